/** Commands of operators that change users: creating a user and linking an identity. */

import type { AuditAct } from '../../domain/audit';
import type { StateRules } from '../../domain/fold/user';
import type { KeyRing } from '../../encryption/key-ring';
import { type LinkIdentity, type LinkOutcome, linkIdentity } from '../../projector/link-identity';
import { createUser } from '../../projector/users';
import { resolveUser } from '../read/users';
import { load } from './load';
import type { RunUnitOfWork } from './run-unit-of-work';

export interface Commands {
  /** Creates a user, or returns the one that already has this external ID. */
  createUser(input: CreateUser): Promise<{ readonly userId: number; readonly created: boolean }>;

  /** Assigns an identity to a user. Merges the two users if the identity was the only one of its user. */
  linkIdentity(input: LinkIdentity): Promise<LinkOutcome>;
}

export interface CreateUser {
  readonly externalUserId: string | null;
  /** Actor in the audit log. See `AuditAct.actor`. */
  readonly auditActor: string;
  readonly now: Date;
}

export interface CommandsOptions {
  readonly runUnitOfWork: RunUnitOfWork;
  readonly keyRing: KeyRing;
  readonly rules: StateRules;
}

export function createCommands({ runUnitOfWork, keyRing, rules }: CommandsOptions): Commands {
  return {
    createUser: ({ externalUserId, auditActor, now }) =>
      runUnitOfWork(
        async (unit, connection) => {
          const externalUserIds = externalUserId === null ? [] : [externalUserId];
          await load(unit, connection, keyRing, { externalUserIds });
          const known =
            externalUserId === null ? undefined : unit.usersByExternalId.get(externalUserId);
          if (known !== undefined) return { userId: known.id, created: false };
          return { userId: createUser(unit, externalUserId, now).id, created: true };
        },
        ({ userId, created }) => (created ? [toCreation(userId, auditActor, now)] : []),
      ),

    linkIdentity: (input) =>
      runUnitOfWork(
        async (unit, connection) => {
          const user = await resolveUser(connection, input.userId);
          const userId = user?.id ?? input.userId;
          const subjects = [[input.provider, input.subjectRef]] as const;
          await load(unit, connection, keyRing, { subjects, userIds: [userId] });
          return linkIdentity(unit, { ...input, userId }, keyRing, { ...rules, now: input.now });
        },
        (outcome) => (outcome.ok ? [toLink(input, outcome)] : []),
      ),
  };
}

function toCreation(userId: number, auditActor: string, at: Date): AuditAct {
  const subject = `User:${userId}`;
  return { action: 'USER_CREATED', actor: auditActor, subject, reason: null, details: {}, at };
}

function toLink(
  { auditActor, provider, now }: LinkIdentity,
  { userId, identityId, mergedUserId }: LinkOutcome & { readonly ok: true },
): AuditAct {
  return {
    action: 'IDENTITY_LINKED',
    actor: auditActor,
    subject: `User:${userId}`,
    reason: null,
    details: { provider, identityId, mergedUserId },
    at: now,
  };
}
