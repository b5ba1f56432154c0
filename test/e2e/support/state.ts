/** Everything that a client can see of a gateway, without ids and times of ours: what two runs have in common. */

import { query } from '../../support/databases';
import type { TestGateway } from './gateway';

/** The shape of `<case>.state.json`. */
export interface State {
  /** In the order of receipt. */
  readonly deliveries: readonly object[];
  /** By name, or by account where they have none. */
  readonly users: readonly object[];
  /** Holders of reusable credentials, who need not be users. */
  readonly credentials: readonly object[];
  /** Oldest first. */
  readonly log: readonly object[];
}

/** The part of the state that does not depend on the order of arrival. */
export type Standing = Pick<State, 'users' | 'credentials'>;

export async function stateOf(gateway: TestGateway): Promise<State> {
  const { database } = gateway.config;
  return {
    deliveries: await query(database, DELIVERIES),
    ...(await standingOf(gateway)),
    log: (await logOf(gateway)).map(withoutCursor),
  };
}

export async function standingOf(gateway: TestGateway): Promise<Standing> {
  const answer = await gateway.ask(USERS);
  if (answer.errors !== undefined) throw new Error(answer.text);
  const users = answer.data.users.nodes;
  return {
    users: [...users].sort(byName).map(readable),
    credentials: await query(gateway.config.database, CREDENTIALS),
  };
}

/** An entry as clients are given it. */
export interface Entry {
  readonly cursor: string;
  // biome-ignore lint/suspicious/noExplicitAny: compared with what is pinned, never looked into
  readonly [field: string]: any;
}

/** The whole change log, read page by page. */
export async function logOf(gateway: TestGateway): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (let after: string | null = null; ; ) {
    const answer = await gateway.ask(LOG, { after });
    if (answer.errors !== undefined) throw new Error(answer.text);
    const { nodes, pageInfo } = answer.data.statusChanges;
    entries.push(...nodes);
    if (!pageInfo.hasNextPage) return entries;
    after = pageInfo.endCursor;
  }
}

export interface Deliveries {
  readonly totalCount: number;
  readonly nodes: readonly {
    readonly disposition: string;
    readonly duplicates: number;
    readonly reason: string | null;
    readonly rawBody: string | null;
  }[];
}

export async function deliveriesOf(gateway: TestGateway): Promise<Deliveries> {
  const { data } = await gateway.ask(
    '{ webhookDeliveries { totalCount nodes { disposition duplicates reason rawBody(reason: "test") } } }',
  );
  return data.webhookDeliveries;
}

/** External or internal IDs of the verified users. */
export async function verifiedUsers(gateway: TestGateway): Promise<readonly string[]> {
  const { data } = await gateway.ask(
    '{ users(filter: { verificationStatus: VERIFIED }) { nodes { externalUserId identities { ref } } } }',
  );
  return data.users.nodes.map(
    (user: { externalUserId: string | null; identities: readonly { ref: string }[] }) =>
      user.externalUserId ?? user.identities[0]?.ref,
  );
}

const REASONS = 'reasons { code providerCode message }';

/** Fields that the subscription and the query for the change log both select. */
export const ENTRY = `
  cursor
  user { externalUserId }
  level { key }
  attempt { number }
  attemptStatus previousAttemptStatus
  levelStatus previousLevelStatus
  verificationStatus previousVerificationStatus
  active previousActive
  rejection { retryable ${REASONS} }
  cause { kind }
  occurredAt`;

const LOG = `query ($after: String) {
  statusChanges(first: 100, after: $after) { nodes { ${ENTRY} } pageInfo { hasNextPage endCursor } }
}`;

const USERS = `{
  users(first: 100) {
    nodes {
      externalUserId
      verificationStatus
      active
      verification {
        since
        because { level { key } }
        missing { level { key } status }
      }
      identities { provider ref externalUserId state }
      levels { level { key } status since superseded latestAttempt { number } }
      attempts(first: 8, orderBy: { field: STARTED_AT, direction: ASC }) {
        nodes {
          level { key }
          number
          status
          providerStatus
          providerAttemptRef
          rejection { retryable ${REASONS} }
          reviewReasons { code providerCode message }
          trust
          sandbox
          startedAt
          updatedAt
          decidedAt
        }
      }
      profile(reason: "test") { fullName age email }
    }
  }
}`;

const DELIVERIES = `
  SELECT provider, event_type AS "eventType", disposition, reason_code AS "reasonCode", trust, duplicates
  FROM deliveries ORDER BY id`;

const CREDENTIALS = `
  SELECT provider, holder_ref AS "holderRef", credential_ref AS "credentialRef", issued_at AS "issuedAt"
  FROM credentials ORDER BY provider, credential_ref`;

interface SeenUser {
  readonly externalUserId: string | null;
  readonly identities: readonly { readonly provider: string; readonly ref: string }[];
  readonly levels: readonly { readonly level: { readonly key: string } }[];
  readonly attempts: { readonly nodes: readonly SeenAttempt[] };
}

interface SeenAttempt {
  readonly level: { readonly key: string };
  readonly number: number;
}

/** Lists in an order of their own, so that the one in which rows were made does not show. */
function readable({ identities, levels, attempts, ...user }: SeenUser): object {
  return flat({
    ...user,
    identities: [...identities].sort(by(({ provider, ref }) => `${provider}/${ref}`)),
    levels: [...levels].sort(by(({ level }) => level.key)),
    attempts: [...attempts.nodes].sort(by(({ level, number }) => `${level.key} ${number}`)),
  });
}

/** Replaces an object with one field by the value of the field: `"level": "p100/kyc"`. */
function flat<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value), (_, part) => {
    const fields = isObject(part) ? Object.values(part) : [];
    return fields.length === 1 ? fields[0] : part;
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function byName(a: SeenUser, b: SeenUser): number {
  return by(nameOf)(a, b);
}

function nameOf({ externalUserId, identities }: SeenUser): string {
  const accounts = identities.map(({ provider, ref }) => `${provider}/${ref}`).sort();
  return externalUserId ?? `of ${accounts[0]}`;
}

function by<Item>(nameOf: (item: Item) => string): (a: Item, b: Item) => number {
  return (a, b) => (nameOf(a) < nameOf(b) ? -1 : 1);
}

function withoutCursor({ cursor: _, ...entry }: Entry): object {
  return flat(entry);
}
