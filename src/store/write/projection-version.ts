/** By which rules the state in the database was made, and what to do where they are others now. */

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

const SETTING = 'rules';

/** Numbers of users. */
export interface ReprojectionEffect {
  readonly users: number;
  /** VERIFIED by the rules so far. */
  readonly verified: number;
  /** No longer VERIFIED by the new rules. */
  readonly lost: number;
  /** VERIFIED by the new rules only. */
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

/** What a change of rules may take away. */
export interface RulesGuard {
  /** Largest share of the VERIFIED users that may lose the status, in percent. */
  readonly maxLossPercent: number;
  /** Whether to apply the rules whatever they take away. */
  readonly force: boolean;
}

export interface Reprojection {
  /** Counts what projecting every user again would change. */
  readonly forecast: () => Promise<ReprojectionEffect>;
  /** `undefined`: no limit. */
  readonly guard: RulesGuard | undefined;
  /** Projects every user again. */
  /** Returns false if a user had to be left out. */
  readonly reprojectAll: () => Promise<boolean>;
  readonly transaction: Transact;
  readonly appendAudit: AppendAudit;
  readonly clock: () => Date;
  /** Called before every user is projected again. */
  readonly onChanged: (effect: ReprojectionEffect) => void;
}

/**
 * Projects every user again if the rules, or the way this version applies them, have changed.
 *
 * @throws {ConfigError} If that takes VERIFIED from more users than the guard allows. Nothing has changed then.
 */
export async function applyRules(
  rules: StateRules,
  connection: Connection,
  { forecast, guard, reprojectAll, transaction, appendAudit, clock, onChanged }: Reprojection,
): Promise<void> {
  const fingerprint = fingerprintOf(rules);
  const held = await readSetting(connection, SETTING);
  if (held === fingerprint) return;
  const effect = held === undefined ? undefined : await forecast();
  if (effect !== undefined) {
    if (guard !== undefined) assertAffordable(effect, guard);
    onChanged(effect);
  }
  // A user who was left out keeps what the old rules gave: the next start projects every user again.
  if (!(await reprojectAll())) return;
  await transaction(async (writing) => {
    const since = await readSetting(writing, SETTING);
    if (since === fingerprint) return; // another instance was faster
    await writeSetting(writing, SETTING, fingerprint);
    if (effect !== undefined && since !== undefined) {
      await appendAudit(writing, [toAct(since, fingerprint, effect, clock())]);
    }
  });
}

/** With fewer than ten VERIFIED users and the default of 10 %, one user is already more than that. */
function assertAffordable(
  { verified, lost, gained }: ReprojectionEffect,
  { maxLossPercent, force }: RulesGuard,
): void {
  if (force || lost * 100 <= verified * maxLossPercent) return;
  throw new ConfigError([
    `POLICY_FILE: expected rules that take VERIFIED from at most ${maxLossPercent} % of the users who have it (POLICY_MAX_LOSS_PERCENT); they take it from ${lost} of ${verified} and give it to ${gained}. Nothing was changed. Check the spelling of the levels, ACCEPT_SANDBOX and the release notes of this version; to apply the rules, start once with POLICY_FORCE=true`,
  ]);
}

/** @returns levels that the policy names and at which no user was ever seen. */
export async function unseenLevels(
  policy: Policy,
  connection: Connection,
): Promise<readonly LevelKey[]> {
  const named = listReferencedLevels(policy);
  if (named.length === 0) return [];
  const rows = await connection.query<{ key: LevelKey }>(
    'SELECT l.key FROM levels l WHERE l.key IN (?*)',
    [named],
  );
  const seen = new Set(rows.map(({ key }) => key));
  return named.filter((key) => !seen.has(key));
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
