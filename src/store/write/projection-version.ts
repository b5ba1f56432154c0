/** The rules that projected the state in the database, and the reprojection after they change. */

import { createHash } from 'node:crypto';
import { type AuditAct, GATEWAY_ACTOR } from '../../domain/audit';
import { ConfigError } from '../../domain/errors';
import { PROJECTION_VERSION, type StateRules } from '../../domain/fold/user';
import type { LevelKey } from '../../domain/level';
import { listReferencedLevels, type Policy } from '../../domain/policy';
import type { AppendAudit } from '../audit/append';
import type { Connection } from '../database/database';
import { readSetting, writeSetting } from '../database/settings';
import type { Transact } from '../database/transaction';

/** Setting that contains the fingerprint of the rules. */
const SETTING = 'rules';

/** Numbers of users. */
export interface ReprojectionEffect {
  readonly users: number;
  /** VERIFIED under the previous rules. */
  readonly verified: number;
  /** No longer VERIFIED under the new rules. */
  readonly lost: number;
  /** VERIFIED under the new rules only. */
  readonly gained: number;
}

export function addEffects(effects: readonly ReprojectionEffect[]): ReprojectionEffect {
  const sum = { users: 0, verified: 0, lost: 0, gained: 0 };
  for (const { users, verified, lost, gained } of effects) {
    sum.users += users;
    sum.verified += verified;
    sum.lost += lost;
    sum.gained += gained;
  }
  return sum;
}

/** Limits the effect of a policy change at startup. */
export interface PolicyGuard {
  /** Maximum share of verified users that may lose their verification, in percent. */
  readonly maxLossPercent: number;
  /** Whether to apply the policy in spite of the limit. */
  readonly force: boolean;
}

export interface ApplyRulesOptions {
  readonly reprojector: {
    /** Counts the effects of `reprojectAll`. */
    forecast(): Promise<ReprojectionEffect>;
    /** Projects all users. Returns whether no user had to be skipped. */
    reprojectAll(): Promise<boolean>;
  };
  /** If undefined, there is no limit. */
  readonly guard: PolicyGuard | undefined;
  readonly transaction: Transact;
  readonly appendAudit: AppendAudit;
  readonly clock: () => Date;
  /** Called before all users are projected. */
  readonly onChanged: (effect: ReprojectionEffect) => void;
}

/**
 * Projects all users again if the rules, or the way in which this version applies them, have changed.
 *
 * @throws {ConfigError} If more users would lose VERIFIED than the guard allows. Nothing has changed then.
 */
export async function applyRules(
  rules: StateRules,
  connection: Connection,
  { reprojector, guard, transaction, appendAudit, clock, onChanged }: ApplyRulesOptions,
): Promise<void> {
  const fingerprint = toFingerprint(rules);
  const stored = await readSetting(connection, SETTING);
  if (stored === fingerprint) return;
  const effect = stored === undefined ? undefined : await reprojector.forecast();
  if (effect !== undefined) {
    if (guard !== undefined) assertWithinLimit(effect, guard);
    onChanged(effect);
  }
  // A skipped user keeps the state of the previous rules, so the next start must project all users again.
  if (!(await reprojector.reprojectAll())) return;
  await transaction(async (writing) => {
    const previous = await readSetting(writing, SETTING);
    if (previous === fingerprint) return; // another instance was faster
    await writeSetting(writing, SETTING, fingerprint);
    if (effect !== undefined && previous !== undefined) {
      await appendAudit(writing, [toAct(previous, fingerprint, effect, clock())]);
    }
  });
}

/** With fewer than ten VERIFIED users and the default of 10 %, the loss of one user exceeds the limit. */
function assertWithinLimit(
  { verified, lost, gained }: ReprojectionEffect,
  { maxLossPercent, force }: PolicyGuard,
): void {
  if (force || lost * 100 <= verified * maxLossPercent) return;
  throw new ConfigError([
    `POLICY_FILE: must take VERIFIED from at most ${maxLossPercent} % of the users who have it (POLICY_MAX_LOSS_PERCENT). The rules take it from ${lost} of ${verified} and give it to ${gained}. Nothing was changed. Check the spelling of the levels, ACCEPT_SANDBOX and the release notes of this version. To apply the rules, start once with POLICY_FORCE=true.`,
  ]);
}

/** Returns levels that the policy refers to and that no user has had. */
export async function findUnseenLevels(
  policy: Policy,
  connection: Connection,
): Promise<readonly LevelKey[]> {
  const referenced = listReferencedLevels(policy);
  if (referenced.length === 0) return [];
  const rows = await connection.query<{ key: LevelKey }>(
    'SELECT l.key FROM levels l WHERE l.key IN (?*)',
    [referenced],
  );
  const seen = new Set(rows.map(({ key }) => key));
  return referenced.filter((key) => !seen.has(key));
}

function toAct(from: string, to: string, { lost, gained }: ReprojectionEffect, at: Date): AuditAct {
  const details = { from, to, lost, gained };
  return {
    action: 'PROJECTION_RULES_CHANGED',
    actor: GATEWAY_ACTOR,
    subject: null,
    reason: null,
    details,
    at,
  };
}

/** @throws {ConfigError} If the state was projected by other rules. A database that no gateway has opened has no rules yet. */
export async function checkRules(rules: StateRules, connection: Connection): Promise<void> {
  const stored = await readSetting(connection, SETTING);
  if (stored === undefined || stored === toFingerprint(rules)) return;
  throw new ConfigError([
    'POLICY_FILE, ACCEPT_SANDBOX: must be equal to those of the gateway that last ran on this data. Run the command with the environment of that gateway, or start the gateway with this environment first.',
  ]);
}

function toFingerprint(rules: StateRules): string {
  const content = JSON.stringify([PROJECTION_VERSION, rules]);
  return createHash('sha256').update(content).digest('hex');
}
