/** All drills, in the order in which they are held. */

import { anyInstance } from './any-instance';
import { backendsTerminated } from './backends-terminated';
import { clockBack } from './clock-back';
import { databaseRestart } from './database-restart';
import { diskFull } from './disk-full';
import { kill } from './kill';
import { redisAway } from './redis-away';
import { restoredEarlier } from './restored-earlier';
import { rollingRestart } from './rolling-restart';
import type { Drill } from './trial/drill';
import { unreliableProviders } from './unreliable-providers';

export const DRILLS: readonly Drill[] = [
  kill,
  databaseRestart,
  backendsTerminated,
  restoredEarlier,
  redisAway,
  diskFull,
  clockBack,
  unreliableProviders,
  anyInstance,
  rollingRestart,
];
