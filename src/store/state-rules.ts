/** By which rules the state in the database was made, and what to do where they are others now. */

import { createHash } from 'node:crypto';
import { type AuditAct, GATEWAY_ACTOR } from '../domain/audit';
import { ConfigError } from '../domain/errors';
import { PROJECTION_VERSION, type StateRules } from '../domain/projection';
import type { AppendAudit } from './audit';
import type { Connection } from './database';
import { readSetting, writeSetting } from './settings';
import type { Transact } from './transaction';

const SETTING = 'rules';

export interface Reprojection {
  /** Projects every user again. */
  readonly reprojectAll: () => Promise<void>;
  readonly transaction: Transact;
  readonly appendAudit: AppendAudit;
  readonly clock: () => Date;
  /** Told before everybody is projected again. */
  readonly onChanged: () => void;
}

/** Where the rules or our reading of them have changed since, everybody is projected again first. */
export async function applyRules(
  rules: StateRules,
  connection: Connection,
  { reprojectAll, transaction, appendAudit, clock, onChanged }: Reprojection,
): Promise<void> {
  const fingerprint = fingerprintOf(rules);
  const held = await readSetting(connection, SETTING);
  if (held === fingerprint) return;
  if (held !== undefined) onChanged();
  await reprojectAll();
  await transaction(async (writing) => {
    const since = await readSetting(writing, SETTING);
    if (since === fingerprint) return; // another instance was faster
    await writeSetting(writing, SETTING, fingerprint);
    if (since !== undefined) await appendAudit(writing, [toAct(since, fingerprint, clock())]);
  });
}

function toAct(from: string, to: string, at: Date): AuditAct {
  const details = { from, to };
  return {
    action: 'RULES_CHANGED',
    actor: GATEWAY_ACTOR,
    subject: null,
    reason: null,
    details,
    at,
  };
}

/** @throws {ConfigError} if state was made by others. */
export async function checkRules(rules: StateRules, connection: Connection): Promise<void> {
  const held = await readSetting(connection, SETTING);
  if (held === undefined || held === fingerprintOf(rules)) return; // undefined: no gateway has ever run on this data
  throw new ConfigError([
    'POLICY_FILE, ACCEPT_SANDBOX: expected those of the gateway that last ran on this data; give the command the same environment, or start the gateway with this one first',
  ]);
}

function fingerprintOf(rules: StateRules): string {
  const made = JSON.stringify([PROJECTION_VERSION, rules]);
  return createHash('sha256').update(made).digest('hex');
}
