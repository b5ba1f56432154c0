/** The order of texts by their code units: of instants, keys and references alike, on every machine. */
export function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
