/** Folders that are gone after the test. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disposal } from './disposal';

export async function createTempDir(disposal: Disposal): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'kyc-gateway-'));
  disposal.defer(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
