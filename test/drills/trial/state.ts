/** The final state of a gateway in a canonical form: equal deliveries yield equal text. */

import { type Ask, askForAll } from './query';

interface Level {
  readonly level: { readonly key: string };
}

interface Identity {
  readonly provider: string;
  readonly ref: string;
}

interface User {
  readonly externalUserId: string | null;
  readonly identities: readonly Identity[];
  readonly verification: { readonly since: string };
  readonly levels: readonly (Level & { readonly since: string })[];
  readonly attempts: { readonly nodes: readonly (Level & Dates)[] };
}

interface Dates {
  readonly number: number;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly decidedAt: string | null;
}

const USER = `
  externalUserId verificationStatus active profile(reason: "test") { fullName age email }
  verification { status since expiresAt because { level { key } } missing { level { key } status } }
  identities { provider ref externalUserId state }
  levels { level { key } status since expiresAt superseded }
  attempts(first: 10) {
    nodes {
      level { key } number status providerStatus trust startedAt updatedAt decidedAt
      rejection { retryable reasons { code providerCode message } } reviewReasons { code providerCode }
    }
  }`;

/** One text for each user, in order. Left out are our own ids and clock: when something came, and in which order. */
export async function readState(ask: Ask): Promise<readonly string[]> {
  const users = await askForAll<User>(ask, 'users', USER);
  return users.map((user) => JSON.stringify(canonical(user))).sort();
}

function canonical(user: User): unknown {
  const undated = user.identities.some(({ provider }) => provider === UNDATED);
  const { since, ...verification } = user.verification;
  return {
    ...user,
    verification: undated ? verification : { ...verification, since },
    identities: sorted(user.identities, ({ provider, ref }) => `${provider}/${ref}`),
    levels: sorted(user.levels.map(withoutReceipt), ({ level }) => level.key),
    attempts: sorted(
      user.attempts.nodes.map(withoutReceipts),
      ({ level, number }) => `${level.key} ${String(number).padStart(4, '0')}`,
    ),
  };
}

/** This provider sends no timestamps: all its dates are times of receipt. */
const UNDATED = 'P100';

function withoutReceipt<Row extends Level & { readonly since: string }>({ since, ...row }: Row) {
  return isDated(row) ? { ...row, since } : row;
}

function withoutReceipts<Row extends Level & Dates>(row: Row) {
  const { startedAt, updatedAt, decidedAt, ...rest } = row;
  return isDated(row) ? row : { ...rest, decided: decidedAt !== null };
}

function isDated({ level }: Level): boolean {
  return !level.key.startsWith('p100/');
}

function sorted<Row>(rows: readonly Row[], keyOf: (row: Row) => string): readonly Row[] {
  return [...rows].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
