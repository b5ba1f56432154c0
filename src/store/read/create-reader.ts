/** Creates a reader of a connection. */

import type { KeyRing } from '../../encryption/key-ring';
import type { Connection } from '../database/database';
import { createAttemptReader } from './attempts';
import { createAuditReader } from './audit';
import { createChangeReader } from './changes';
import { createDeliveryReader } from './deliveries';
import { createIdentityReader } from './identities';
import { createMonitoringReader } from './monitoring';
import type { Reader } from './reader';
import { createUserLevelReader } from './user-levels';
import { createUserReader } from './users';

export function createReader(connection: Connection, keyRing: KeyRing): Reader {
  return {
    ...createUserReader(connection),
    ...createUserLevelReader(connection),
    ...createIdentityReader(connection, keyRing),
    ...createAttemptReader(connection),
    ...createDeliveryReader(connection, keyRing),
    ...createChangeReader(connection),
    ...createAuditReader(connection),
    ...createMonitoringReader(connection),
  };
}
