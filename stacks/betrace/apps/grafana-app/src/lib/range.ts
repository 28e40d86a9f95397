import { dateTime, rangeUtil, type TimeRange } from '@grafana/data';

interface Written {
  from: string;
  to: string;
}

const LAST_DAY: Written = { from: 'now-24h', to: 'now' };

/** The time that an address names; the last day where a person has changed it into something that is none. */
export function toRange(written: Written): TimeRange {
  const range = convert(written);
  return range.from?.isValid() && range.to?.isValid() ? range : convert(LAST_DAY);
}

function convert({ from, to }: Written): TimeRange {
  return rangeUtil.convertRawToRange({ from: parse(from), to: parse(to) });
}

const parse = (text: string) => (/^\d+$/.test(text) ? dateTime(Number(text)) : text);
