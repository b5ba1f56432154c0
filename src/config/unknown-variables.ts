/** Variables that the gateway does not read, but whose names are so close to one it reads that they are misspelt. */

/** Shorter names, such as `PORT`, are too close to those of other programs, such as `PATH`. */
const MIN_LENGTH = 7;
const MAX_DISTANCE = 2;

interface Names {
  /** Variables that the operator has set. */
  readonly set: ReadonlySet<string>;
  /** Variables that the gateway reads. */
  readonly known: ReadonlySet<string>;
}

/**
 * Returns a fault for each misspelt variable that is set. A name is misspelt if it differs from a known one in letter case or
 * in at most two typing errors, and the known one is not set itself: then the other variable belongs to another program.
 */
export function findMisspelt({ set, known }: Names): readonly string[] {
  const candidates = [...known].filter((name) => name.length >= MIN_LENGTH && !set.has(name));
  const unknown = [...set].filter((name) => !known.has(name));
  return unknown.sort().flatMap((name) => {
    const [nearest] = candidates
      .map((candidate) => ({ candidate, distance: distance(name.toUpperCase(), candidate) }))
      .filter((one) => one.distance <= MAX_DISTANCE)
      .sort((a, b) => a.distance - b.distance);
    return nearest ? [`${name}: unknown variable. Did you mean ${nearest.candidate}?`] : [];
  });
}

/** Typing errors from `a` to `b`: a character added, left out, replaced, or exchanged with its neighbor. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MAX_DISTANCE) return Number.POSITIVE_INFINITY;
  let previous: readonly number[] = [];
  let current = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      const exchanged = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      next.push(
        Math.min(
          at(current, column) + 1,
          at(next, column - 1) + 1,
          at(current, column - 1) + (same ? 0 : 1),
          exchanged ? at(previous, column - 2) + 1 : Number.POSITIVE_INFINITY,
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
