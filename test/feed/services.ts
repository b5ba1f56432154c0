/** Redis and PostgreSQL behind one interface, for tests of the wake-up. */

import { createPostgresWakeup } from '../../src/feed/wakeup/postgres';
import { createRedisWakeup } from '../../src/feed/wakeup/redis';
import type { Wakeup } from '../../src/feed/wakeup/wakeup';
import type { Disposal } from '../support/disposal';
import { createRecordedLog } from '../support/logs';
import { createPostgresServer } from '../support/services/own-postgres';
import { createRedisServer } from '../support/services/own-redis';
import type { ServerProcess } from '../support/services/own-server';
import type { Program } from '../support/services/programs';
import { createTempDir } from '../support/temp-dir';

export interface Server extends ServerProcess {
  readonly url: string;
  connections(): Promise<number>;
}

export interface Service {
  readonly name: string;
  readonly program: Program;
  /** Creates a server that is not started. Ends it after the test. */
  create(disposal: Disposal): Promise<Server>;
  connect(url: string, logId: string, log: ReturnType<typeof createRecordedLog>['log']): Wakeup;
}

/** Long enough for a busy machine, short enough for a test. */
const TIMEOUT_MS = 2_000;

export const SERVICES: readonly Service[] = [
  {
    name: 'Redis',
    program: 'redis-server',
    async create(disposal) {
      const server = await createRedisServer();
      disposal.defer(() => server.end());
      return server;
    },
    connect: (url, logId, log) => createRedisWakeup({ url, logId, log, timeoutMs: TIMEOUT_MS }),
  },
  {
    name: 'PostgreSQL',
    program: 'postgres',
    async create(disposal) {
      const server = await createPostgresServer(await createTempDir(disposal));
      disposal.defer(() => server.end());
      return server;
    },
    connect: (url, logId, log) => {
      const connection = { connectionString: url };
      return createPostgresWakeup({ connection, logId, log, timeoutMs: TIMEOUT_MS });
    },
  },
];

export interface Instance {
  readonly wakeup: Wakeup;
  /** Number of times it was woken. */
  readonly woken: () => number;
  /** Messages that it has logged. */
  readonly messages: () => readonly unknown[];
  readonly logged: readonly Record<string, unknown>[];
}

/** Closes it after the test. */
export function startInstance(
  disposal: Disposal,
  service: Service,
  url: string,
  logId: string,
): Instance {
  const { log, lines } = createRecordedLog();
  const wakeup = service.connect(url, logId, log);
  disposal.defer(() => wakeup.close());
  let woken = 0;
  wakeup.onWake(() => {
    woken += 1;
  });
  return { wakeup, woken: () => woken, messages: () => lines.map(({ msg }) => msg), logged: lines };
}
