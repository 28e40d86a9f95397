import { useEffect, useState } from 'react';
import { formatAgo, formatTime, parseTime } from '../time/format';

/** How long ago something was, kept current; the exact time when pointed at. */
export function Ago({ time }: { time: string }) {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 30_000);
    return () => clearInterval(timer);
  }, []);
  const date = parseTime(time);
  if (date === null) return <span>unknown</span>;
  // A time after the last tick is one that has just come in.
  const from = date > now ? date : now;
  return (
    <time dateTime={time} title={formatTime(time)}>
      {formatAgo(date, from)}
    </time>
  );
}

export function At({ time }: { time: string }) {
  return <time dateTime={time}>{formatTime(time) || 'unknown'}</time>;
}
