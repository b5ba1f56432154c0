/** Opens stores on databases of their own, and prints their state without IDs and times of receipt. */

import type { DatabaseConfig } from '../../src/store/database/options';
import {
  openStore,
  type StoreConfig,
  type StoreLog,
  type StoreOptions,
} from '../../src/store/open-store';
import type { Store } from '../../src/store/store';
import { createTestDatabase, query, type TestDatabase } from '../support/databases';
import { storeConfigOf } from '../support/store-config';

export const SILENT = { info() {}, warn() {}, error() {}, fatal() {} };

export interface TestStore {
  readonly store: Store;
  readonly database: DatabaseConfig;
  readonly url: string;
  readonly config: StoreConfig;
  /** Closes the store and opens it again on the same database, like a restart. */
  reopen(changed?: Partial<StoreConfig>): Promise<Store>;
}

const opened: { store: Store; database: TestDatabase }[] = [];
const beside: Store[] = [];

/** Opens another store on an open database, like another process. Closed after the test. */
export async function openBeside(config: StoreConfig): Promise<Store> {
  const store = await openStore(config, SILENT, { onOtherRules: 'leave' });
  beside.push(store);
  return store;
}

/** Opens a store. It is closed, and its database deleted, after the test. */
export async function openTestStore(
  changed: Partial<StoreConfig> = {},
  options: StoreOptions = {},
  log: StoreLog = SILENT,
): Promise<TestStore> {
  const database = await createTestDatabase();
  const config = storeConfigOf(database.config, changed);
  const entry = { store: await openStore(config, log, options), database };
  opened.push(entry);
  return {
    store: entry.store,
    database: config.database,
    url: database.url,
    config,
    async reopen(again = {}) {
      await entry.store.close();
      entry.store = await openStore({ ...config, ...again }, log, options);
      return entry.store;
    },
  };
}

afterEach(closeTestStores);

/** Closes all stores, also between the runs of a property, because a server limits connections. */
export async function closeTestStores(): Promise<void> {
  for (const store of beside.splice(0)) await store.close();
  for (const { store, database } of opened.splice(0)) {
    await store.close();
    await database.drop();
  }
}

/** Returns users, identities, attempts and levels as one text, by natural keys. Merged users are left out. */
export async function stateOf(database: DatabaseConfig): Promise<string> {
  const parts: [string, unknown][] = [];
  for (const [part, sql] of Object.entries(STATE)) {
    const rows = await query<object>(database, sql);
    parts.push([part, rows.map((row) => Object.entries(row).map(plainly))]);
  }
  return JSON.stringify(Object.fromEntries(parts));
}

/** Converts to the types of SQLite, which has no booleans and stores JSON as text. */
function plainly([column, value]: [string, unknown]): unknown {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'string' && JSON_COLUMNS.has(column)) return JSON.parse(value);
  return value;
}

const JSON_COLUMNS = new Set(['rejection', 'review_reasons']);

const LIVE = `(SELECT u.id, coalesce(u.external_user_id, 'of ' || (
    SELECT min(i.provider || '/' || i.subject_ref) FROM identities i WHERE i.user_id = u.id)) AS name,
    u.verification_status, u.status_since, u.expires_at, u.active
  FROM users u WHERE u.merged_into IS NULL) live`;

const STATE = {
  users: `SELECT name, verification_status, status_since, expires_at, active FROM ${LIVE} ORDER BY name`,
  identities: `SELECT i.provider, i.subject_ref, live.name, i.external_user_id, i.state
    FROM identities i JOIN ${LIVE} ON live.id = i.user_id ORDER BY i.provider, i.subject_ref`,
  attempts: `SELECT i.provider, i.subject_ref, a.level_key, a.number, a.attempt_ref, a.status, a.provider_status,
      a.rejection, a.review_reasons, a.trust, a.sandbox, a.started_at, a.updated_at, a.decided_at
    FROM attempts a JOIN identities i ON i.id = a.identity_id
    ORDER BY i.provider, i.subject_ref, a.level_key, a.number, a.attempt_ref, a.started_at`,
  levels: `SELECT live.name, v.level_key, v.kind, v.status, v.since, v.expires_at, v.superseded, i.subject_ref, a.number
    FROM user_levels v JOIN ${LIVE} ON live.id = v.user_id JOIN attempts a ON a.id = v.latest_attempt_id
    JOIN identities i ON i.id = a.identity_id ORDER BY live.name, v.level_key`,
  credentials: `SELECT c.provider, c.holder_ref, c.credential_ref, c.issued_at FROM credentials c
    WHERE NOT EXISTS (SELECT 1 FROM credentials l
      WHERE l.provider = c.provider AND l.credential_ref = c.credential_ref
        AND (l.issued_at, l.holder_ref, l.id) > (c.issued_at, c.holder_ref, c.id))
    ORDER BY c.provider, c.credential_ref`,
  kinds: 'SELECT key, kind FROM levels ORDER BY key',
};
