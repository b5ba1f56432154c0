/** A real store on a file of its own, and a view of its state that no id and no receipt shows in. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_POLICY } from '../../src/domain/policy';
import { createConnection } from '../../src/store/connection';
import { createDataSource, createReadingDataSource } from '../../src/store/data-source';
import {
  openStore,
  type StoreConfig,
  type StoreLog,
  type StoreOptions,
} from '../../src/store/open-store';
import type { Store } from '../../src/store/store';

export const SILENT = { info() {}, error() {}, fatal() {} };

export interface TestStore {
  readonly store: Store;
  readonly file: string;
  readonly config: StoreConfig;
  /** Closes the store and opens it again on the same file, as a restart does. */
  reopen(changed?: Partial<StoreConfig>): Promise<Store>;
}

const opened: { store: Store; folder: string }[] = [];

/** Closed and deleted after the test. */
export async function openTestStore(
  changed: Partial<StoreConfig> = {},
  options: StoreOptions = {},
  log: StoreLog = SILENT,
): Promise<TestStore> {
  const folder = mkdtempSync(join(tmpdir(), 'kyc-store-'));
  const file = join(folder, 'kyc.sqlite');
  const config: StoreConfig = {
    database: { kind: 'sqlite', file },
    dataKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
    policy: DEFAULT_POLICY,
    acceptSandbox: true,
    ...changed,
  };
  const entry = { store: await openStore(config, log, options), folder };
  opened.push(entry);
  return {
    store: entry.store,
    file,
    config,
    async reopen(again = {}) {
      await entry.store.close();
      entry.store = await openStore({ ...config, ...again }, log, options);
      return entry.store;
    },
  };
}

afterEach(async () => {
  for (const { store, folder } of opened.splice(0)) {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Runs SQL on the file beside the store. */
export async function query<Row>(file: string, sql: string): Promise<readonly Row[]> {
  const dataSource = createReadingDataSource(file);
  await dataSource.initialize();
  const connection = createConnection(dataSource);
  try {
    return await connection.query<Row>(sql);
  } finally {
    await connection.close();
  }
}

/** Every row of every table but the log, bytes included. */
export async function tablesOf(file: string): Promise<Readonly<Record<string, unknown>>> {
  const tables = await query<{ name: string }>(
    file,
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('changes', 'sqlite_sequence')`,
  );
  const rows = await Promise.all(
    tables.map(({ name }) => query(file, `SELECT * FROM "${name}" ORDER BY 1, 2`)),
  );
  return Object.fromEntries(tables.map(({ name }, index) => [name, rows[index]]));
}

/** Changes the file beside the store, as another program would. */
export async function change(file: string, sql: string): Promise<void> {
  const dataSource = createDataSource(file);
  await dataSource.initialize();
  try {
    await dataSource.query(sql);
  } finally {
    await dataSource.destroy();
  }
}

/** Users, identities, attempts and levels as one text, by natural keys. Users that went into others are left out. */
export async function stateOf(file: string): Promise<string> {
  const [row] = await query<{ state: string }>(file, STATE);
  return row?.state ?? '';
}

const STATE = `
WITH live AS (
  SELECT u.id, coalesce(u.external_user_id, 'of ' || (
    SELECT min(i.provider || '/' || i.subject_ref) FROM identities i WHERE i.user_id = u.id)) AS name,
    u.verification_status, u.status_since, u.expires_at, u.active
  FROM users u WHERE u.merged_into IS NULL
)
SELECT json_object(
  'users', (SELECT json_group_array(json_array(name, verification_status, status_since, expires_at, active))
    FROM (SELECT * FROM live ORDER BY name)),
  'identities', (SELECT json_group_array(json_array(provider, subject_ref, name, external_user_id, state))
    FROM (SELECT i.*, live.name FROM identities i JOIN live ON live.id = i.user_id
      ORDER BY i.provider, i.subject_ref)),
  'attempts', (SELECT json_group_array(json_array(provider, subject_ref, level_key, number, attempt_ref, status,
      provider_status, rejection, review_reasons, trust, sandbox, started_at, updated_at, decided_at))
    FROM (SELECT a.*, i.provider, i.subject_ref FROM attempts a JOIN identities i ON i.id = a.identity_id
      ORDER BY i.provider, i.subject_ref, a.level_key, a.number)),
  'levels', (SELECT json_group_array(json_array(name, level_key, kind, status, since, expires_at, withdrawn, subject_ref, number))
    FROM (SELECT v.*, live.name, i.subject_ref, a.number FROM user_levels v
      JOIN live ON live.id = v.user_id JOIN attempts a ON a.id = v.latest_attempt_id
      JOIN identities i ON i.id = a.identity_id ORDER BY live.name, v.level_key)),
  'credentials', (SELECT json_group_array(json_array(provider, holder_ref, credential_ref, issued_at))
    FROM (SELECT *, max(issued_at || holder_ref) FROM credentials GROUP BY provider, credential_ref)),
  'kinds', (SELECT json_group_array(json_array(key, kind)) FROM (SELECT * FROM levels ORDER BY key))
) AS state`;
