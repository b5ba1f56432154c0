/** All reads over one connection. */

import { createAttemptReader } from './attempt-reader';
import { createAuditReader } from './audit-reader';
import { createChangeReader } from './change-reader';
import type { Connection } from './database';
import { createDeliveryReader } from './delivery-reader';
import type { KeyRing } from './key-ring';
import type { Reader } from './store';
import { createUserReader } from './user-reader';
import { createWatchReader } from './watch-reader';

export function createReader(connection: Connection, keyRing: KeyRing): Reader {
  return {
    ...createUserReader(connection, keyRing),
    ...createAttemptReader(connection),
    ...createDeliveryReader(connection, keyRing),
    ...createChangeReader(connection),
    ...createAuditReader(connection),
    ...createWatchReader(connection),
  };
}
