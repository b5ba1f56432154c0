/** The environment file of "Run in production" is private and a valid configuration. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { loadConfig } from '../../src/config/load-config';
import { PROVIDER_IDS } from '../../src/providers/registry';
import { sectionOf } from './pages';

const [, BLOCK = ''] =
  /```sh\n(.*?)```/s.exec(sectionOf('docs/operations.md', '## Run in production')) ?? [];

it('creates an environment file that its owner alone can read and that the gateway accepts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kyc-operations-'));
  try {
    const [create = ''] = BLOCK.split('$EDITOR');
    execFileSync('sh', ['-ec', create], { cwd: folder });
    const file = join(folder, 'gateway.env');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const env = { ...parseEnv(readFileSync(file, 'utf8')), WEBHOOK_SECRETS_SUMSUB: 'x'.repeat(16) };
    const config = loadConfig({ env, policyText: null, faults: [] }, PROVIDER_IDS);
    expect(config.mode).toBe('production');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
