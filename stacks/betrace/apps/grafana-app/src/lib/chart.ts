/** A round number at or above the largest count, for the top of the chart. */
export function chartTop(counts: number[]): number {
  const most = Math.max(1, ...counts);
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= most) ?? most;
}

/** The places of a few labels among many columns: the first, the last, the rest evenly between. */
export function labelPlaces(columns: number, labels: number): number[] {
  const count = Math.min(columns, labels);
  return count < 2 ? [0] : Array.from({ length: count }, (_, i) => Math.round((i * (columns - 1)) / (count - 1)));
}
