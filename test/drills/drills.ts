/** All drills, in the order in which they are held. */

import { anyInstance } from './any-instance';
import { backendsTerminated } from './backends-terminated';
import { clockBack } from './clock-back';
import { databaseRestart } from './database-restart';
import { diskFull } from './disk-full';
import type { Drill } from './drill';
import { kill } from './kill';
import { redisAway } from './redis-away';
import { restoredEarlier } from './restored-earlier';
import { rollingRestart } from './rolling-restart';
import { unreliableVendors } from './unreliable-vendors';

export const DRILLS: readonly Drill[] = [
  kill,
  databaseRestart,
  backendsTerminated,
  restoredEarlier,
  redisAway,
  diskFull,
  clockBack,
  unreliableVendors,
  anyInstance,
  rollingRestart,
];
