/** Which attempt held is which of those projected anew, so that an attempt keeps its id whatever is told late. */

import type { NumberedAttempt } from '../domain/fold/identity';
import type { AttemptNode } from './unit-of-work';

/**
 * Attempts of one stream (a level in one environment, and the vendor's id of the attempt where it sends one) follow each
 * other: an attempt held goes on in the one during which it began. If two turn out to be one, the first goes on in it.
 */
export function matchAttempts(
  held: Iterable<AttemptNode>,
  projected: readonly NumberedAttempt[],
): ReadonlyMap<NumberedAttempt, AttemptNode> {
  const matched = new Map<NumberedAttempt, AttemptNode>();
  const heldByStream = byStream(held);
  for (const [stream, attempts] of byStream(projected)) {
    // What begins at the latest moment passed and has not been found yet; what was before the first belongs to the first.
    let begun = attempts.slice(0, 1);
    let next = 1;
    for (const before of heldByStream.get(stream) ?? []) {
      for (
        let attempt = attempts[next];
        attempt !== undefined && attempt.startedAt <= before.startedAt;
        attempt = attempts[++next]
      ) {
        if (attempts[next - 1]?.startedAt !== attempt.startedAt) begun = [];
        begun.push(attempt);
      }
      const found = begun.shift();
      if (found !== undefined) matched.set(found, before);
    }
  }
  return matched;
}

function byStream<Attempt extends NumberedAttempt>(
  attempts: Iterable<Attempt>,
): ReadonlyMap<string, readonly Attempt[]> {
  const streams = new Map<string, Attempt[]>();
  for (const attempt of [...attempts].sort((a, b) => a.number - b.number)) {
    const stream = `${attempt.sandbox} ${attempt.attemptRef ?? ''} ${attempt.levelKey}`;
    const others = streams.get(stream);
    if (others === undefined) streams.set(stream, [attempt]);
    else others.push(attempt);
  }
  return streams;
}
