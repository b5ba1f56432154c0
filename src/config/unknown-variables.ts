/** Detection of misspelled variables: names that the gateway does not read but that resemble one it reads. */

/** Shorter names, such as `PORT`, resemble names of other programs, such as `PATH`. */
const MIN_LENGTH = 7;
const MAX_DISTANCE = 2;

interface Names {
  /** Variables that the operator has set. */
  readonly set: ReadonlySet<string>;
  /** Variables that the gateway reads. */
  readonly known: ReadonlySet<string>;
}

/**
 * Returns a fault for each misspelled variable that is set. A name is misspelled if it differs from a known name only in letter
 * case or by at most two typing errors. If the known variable is set as well, the other one belongs to another program.
 */
export function findMisspelled({ set, known }: Names): readonly string[] {
  const candidates = [...known].filter((name) => name.length >= MIN_LENGTH && !set.has(name));
  const unknown = [...set].filter((name) => !known.has(name));
  return unknown.sort().flatMap((name) => {
    const [nearest] = candidates
      .map((candidate) => ({ candidate, distance: distance(name.toUpperCase(), candidate) }))
      .filter((match) => match.distance <= MAX_DISTANCE)
      .sort((a, b) => a.distance - b.distance);
    return nearest ? [`${name}: unknown variable. Did you mean ${nearest.candidate}?`] : [];
  });
}

/** Returns the number of typing errors from `a` to `b`: insertions, deletions, substitutions and transpositions. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MAX_DISTANCE) return Number.POSITIVE_INFINITY;
  let previous: readonly number[] = [];
  let current = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      const transposed = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      next.push(
        Math.min(
          at(current, column) + 1,
          at(next, column - 1) + 1,
          at(current, column - 1) + (same ? 0 : 1),
          transposed ? at(previous, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [previous, current] = [current, next];
  }
  return at(current, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
