/** Matches stored attempts with projected attempts, so that an attempt keeps its ID when late events arrive. */

import type { NumberedAttempt } from '../domain/fold/identity';
import type { AttemptNode } from './unit-of-work';

/**
 * Attempts of one stream (one level, environment and provider attempt ID) follow each other. A stored attempt continues as the
 * projected attempt during which it started. If two stored attempts turn out to be one, the first continues.
 */
export function matchAttempts(
  stored: Iterable<AttemptNode>,
  projected: readonly NumberedAttempt[],
): ReadonlyMap<NumberedAttempt, AttemptNode> {
  const matched = new Map<NumberedAttempt, AttemptNode>();
  const storedByStream = groupByStream(stored);
  for (const [stream, attempts] of groupByStream(projected)) {
    // Unmatched attempts with the latest start up to the current stored attempt. The first attempt also matches earlier starts.
    let candidates = attempts.slice(0, 1);
    let next = 1;
    for (const before of storedByStream.get(stream) ?? []) {
      for (
        let attempt = attempts[next];
        attempt !== undefined && attempt.startedAt <= before.startedAt;
        attempt = attempts[++next]
      ) {
        if (attempts[next - 1]?.startedAt !== attempt.startedAt) candidates = [];
        candidates.push(attempt);
      }
      const match = candidates.shift();
      if (match !== undefined) matched.set(match, before);
    }
  }
  return matched;
}

function groupByStream<Attempt extends NumberedAttempt>(
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
