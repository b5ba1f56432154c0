/** The change log as a client reads it, and what has to hold of it by itself. */

import { type Ask, askForAll } from './query';

export interface LogEntry {
  readonly cursor: string;
  readonly user: { readonly id: string };
  readonly level: { readonly key: string } | null;
  readonly attempt: { readonly id: string } | null;
  readonly attemptStatus: string | null;
  readonly previousAttemptStatus: string | null;
  readonly levelStatus: string | null;
  readonly previousLevelStatus: string | null;
  readonly verificationStatus: string;
  readonly previousVerificationStatus: string;
  readonly active: boolean;
  readonly previousActive: boolean;
}

const ENTRY = `
  cursor user { id } level { key } attempt { id } attemptStatus previousAttemptStatus
  levelStatus previousLevelStatus verificationStatus previousVerificationStatus active previousActive`;

/** All of it, oldest first. */
export function readLog(ask: Ask): Promise<readonly LogEntry[]> {
  return askForAll(ask, 'statusChanges', ENTRY);
}

/** Entries whose position is not one more than that of the entry before, the first being 1. */
export function gapsIn(log: readonly LogEntry[]): readonly LogEntry[] {
  return log.filter(({ cursor }, index) => positionOf(cursor) !== index + 1);
}

/** Clients must not look inside a cursor; to find a gap, one has to. */
export function positionOf(cursor: string): number {
  return Number(Buffer.from(cursor, 'base64url').toString().split(':')[1]);
}

/** Entries that do not begin where the entry before about the same thing ended. */
export function breaksIn(log: readonly LogEntry[]): readonly LogEntry[] {
  const last = new Map<string, string | boolean | null>();

  /** Whether `before` equals the last recorded value of the thing. Records `after`. */
  function follows<Word extends string | boolean | null>(
    thing: string,
    before: Word,
    after: Word,
    first: Word,
  ): boolean {
    const known = last.has(thing) ? last.get(thing) : first;
    last.set(thing, after);
    return known === before;
  }

  return log.filter((entry) => {
    const { user, level, attempt } = entry;
    const unbroken = [
      follows(
        `status of ${user.id}`,
        entry.previousVerificationStatus,
        entry.verificationStatus,
        'NOT_VERIFIED',
      ),
      follows(`activity of ${user.id}`, entry.previousActive, entry.active, true),
      level === null ||
        follows(`${level.key} of ${user.id}`, entry.previousLevelStatus, entry.levelStatus, null),
      attempt === null ||
        follows(`attempt ${attempt.id}`, entry.previousAttemptStatus, entry.attemptStatus, null),
    ];
    return unbroken.includes(false);
  });
}
