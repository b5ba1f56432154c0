/** Reads users and what belongs to them. */

import type { AccountState, Profile, ProfileEvent } from '../../domain/event';
import { byOccurrence, type RecordedEvent } from '../../domain/fold/recorded-event';
import type { Instant } from '../../domain/instant';
import { toInstantText } from '../../domain/instant';
import type { LevelKey, LevelKind, SubjectKind } from '../../domain/level';
import type { VerificationStatus } from '../../domain/status';
import type { KeyRing } from '../../encryption/key-ring';
import type { Connection, Flag } from '../database/database';
import { mapInSlices } from '../database/map-in-slices';
import { among, type Clause, oneOf, where } from '../database/where';
import { levelClauses, levelPageSql } from '../level-page';
import type {
  CredentialRow,
  IdentityRow,
  Reader,
  UserFilter,
  UserLevelRow,
  UserOrder,
  UserRow,
} from '../store';
import { groupAll, groupOne } from './by-id';
import { count, countOwned } from './count';
import { type KeysetColumns, type KeysetQuery, ownedBy, paginate } from './pagination';

interface UserSql extends KeysetColumns {
  readonly external_user_id: string | null;
  readonly kind: SubjectKind;
  readonly verification_status: VerificationStatus;
  readonly status_since: Instant | null;
  readonly expires_at: Instant | null;
  readonly active: Flag;
  readonly erased_at: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

const COLUMNS =
  'u.id, u.external_user_id, u.kind, u.verification_status, u.status_since, u.expires_at, u.active, u.erased_at, u.created_at, u.updated_at';

type UserReader = Pick<
  Reader,
  | 'usersByIds'
  | 'userByExternalId'
  | 'userByIdentity'
  | 'userIdsMergedInto'
  | 'externalIdsOf'
  | 'users'
  | 'countUsers'
  | 'identitiesOf'
  | 'levelsOf'
  | 'levelPagesOf'
  | 'countLevelsOf'
  | 'credentialsOf'
  | 'profilesOf'
>;

export function createUserReader(connection: Connection, keyRing: KeyRing): UserReader {
  return {
    async usersByIds(ids) {
      const rows = await connection.query<UserSql & { asked: number }>(
        `SELECT asked.id AS asked, ${COLUMNS} FROM users asked
          JOIN users u ON u.id = coalesce(asked.merged_into, asked.id)
          WHERE asked.id IN (?*)`,
        [ids],
      );
      return groupOne(ids, rows, ({ asked }) => asked, toUserRow);
    },

    async userByExternalId(externalUserId) {
      const [row] = await connection.query<UserSql>(
        `SELECT ${COLUMNS} FROM users asked JOIN users u ON u.id = coalesce(asked.merged_into, asked.id)
          WHERE asked.external_user_id = ?`,
        [externalUserId],
      );
      return row === undefined ? null : toUserRow(row);
    },

    async userByIdentity(provider, subjectRef) {
      const [row] = await connection.query<UserSql>(
        `SELECT ${COLUMNS} FROM identities i JOIN users u ON u.id = i.user_id
          WHERE i.provider = ? AND i.subject_ref = ?`,
        [provider, subjectRef],
      );
      return row === undefined ? null : toUserRow(row);
    },

    async userIdsMergedInto(userId) {
      const rows = await connection.query<{ id: number }>(
        'SELECT id FROM users WHERE merged_into = ? ORDER BY id',
        [userId],
      );
      return [userId, ...rows.map(({ id }) => id)];
    },

    async externalIdsOf(userIds) {
      const rows = await connection.query<{ external_user_id: string; user_id: number }>(
        `SELECT external_user_id, coalesce(merged_into, id) AS user_id FROM users
            WHERE id IN (?*) AND external_user_id IS NOT NULL
          UNION ALL SELECT external_user_id, merged_into FROM users
            WHERE merged_into IN (?*) AND external_user_id IS NOT NULL`,
        [userIds, userIds],
      );
      return rows.map((row) => ({ externalUserId: row.external_user_id, userId: row.user_id }));
    },

    users: (filter, order, page) => paginate(connection, userQuery(filter, order), page),

    countUsers: (filter) => count(connection, 'users u', clausesOf(filter)),

    async identitiesOf(userIds) {
      const rows = await connection.query<IdentitySql>(
        `SELECT i.id, i.user_id, i.provider, i.subject_ref, i.external_user_id, i.kind, i.state, i.linked, i.created_at
          FROM identities i WHERE i.user_id IN (?*) ORDER BY i.id`,
        [userIds],
      );
      return groupAll(userIds, rows, (row) => row.user_id, toIdentityRow);
    },

    async levelsOf(userIds) {
      const rows = await connection.query<LevelSql>(
        `SELECT ${LEVEL_COLUMNS} FROM user_levels v WHERE v.user_id IN (?*) ORDER BY v.level_key`,
        [userIds],
      );
      return groupAll(userIds, rows, (row) => row.user_id, toUserLevelRow);
    },

    async levelPagesOf(userIds, filter, page) {
      const own = levelPageSql('o.level_key', 'o.user_id = u.id', filter, page);
      const conditions = where([
        ['v.user_id = u.id', []],
        among('u.id', userIds),
        ...levelClauses('v', filter),
        ['v.level_key > ?', page.after],
        [`v.level_key <= (SELECT max(p.level_key) FROM (${own.sql}) p)`, own.parameters],
      ]);
      // A bound per user, so that the index gives the page: a window would number all levels of each user.
      const rows = await connection.query<LevelSql>(
        `SELECT ${LEVEL_COLUMNS} FROM users u CROSS JOIN user_levels v ${conditions.sql}
          ORDER BY v.level_key`,
        conditions.parameters,
      );
      return groupAll(userIds, rows, (row) => row.user_id, toUserLevelRow);
    },

    countLevelsOf: (userIds, filter) =>
      countOwned(
        connection,
        'user_levels v',
        levelClauses('v', filter),
        ownedBy('v.user_id', userIds),
      ),

    async credentialsOf(userIds) {
      const rows = await connection.query<CredentialRow & { userId: number }>(
        `SELECT i.user_id AS "userId", c.provider, c.holder_ref AS "holderRef",
            c.credential_ref AS "credentialRef", c.issued_at AS "issuedAt",
            (SELECT min(id) FROM credentials f
              WHERE f.provider = c.provider AND f.credential_ref = c.credential_ref) AS id
          FROM identities i
          JOIN credentials c ON c.provider = i.provider AND c.holder_ref = i.subject_ref
          WHERE i.user_id IN (?*) AND NOT EXISTS (
            SELECT 1 FROM credentials l WHERE l.provider = c.provider AND l.credential_ref = c.credential_ref
              AND (l.issued_at, l.holder_ref, l.id) > (c.issued_at, c.holder_ref, c.id))
          ORDER BY c.issued_at, id`,
        [userIds],
      );
      return groupAll(
        userIds,
        rows,
        (row) => row.userId,
        ({ userId: _, ...row }) => row,
      );
    },

    async profilesOf(userIds) {
      const rows = await connection.query<ProfileSql>(
        `SELECT i.user_id, k.data_key, k.data_key_id, e.key, e.received_at, e.trust, e.body, e.personal
          FROM identities i JOIN identity_keys k ON k.identity_id = i.id JOIN events e ON e.identity_id = i.id
          WHERE i.user_id IN (?*) AND e.personal IS NOT NULL`,
        [userIds],
      );
      const events = await mapInSlices(rows, (row) => ({
        userId: row.user_id,
        event: toProfileEvent(row, keyRing),
      }));
      const told = groupAll(
        userIds,
        events,
        ({ userId }) => userId,
        ({ event }) => event,
      );
      return told.map(mergeProfiles);
    },
  };
}

const LEVEL_COLUMNS =
  'v.user_id, v.level_key, v.kind, v.status, v.since, v.expires_at, v.superseded, v.blocked_by, v.blocked_at, v.latest_attempt_id';

const SORT_KEYS = { CREATED_AT: 'u.created_at', UPDATED_AT: 'u.updated_at' } as const;

/** @param further - Conditions beside those of the filter. */
export function userQuery(
  filter: UserFilter,
  order: UserOrder,
  further: readonly Clause[] = [],
): KeysetQuery<UserSql, UserRow> {
  return {
    select: `${COLUMNS}, ${SORT_KEYS[order.field]} AS sort_key`,
    from: 'users u',
    clauses: [...further, ...clausesOf(filter)],
    sortKey: SORT_KEYS[order.field],
    id: 'u.id',
    direction: order.direction,
    toRow: toUserRow,
  };
}

function clausesOf(filter: UserFilter): readonly Clause[] {
  return [
    ['u.merged_into IS NULL', []],
    among('u.id', filter.ids),
    oneOf('u.verification_status', filter.verificationStatus),
    ['u.external_user_id = ?', filter.externalUserId],
    [
      'EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id AND i.provider = ?)',
      filter.provider,
    ],
    [
      'EXISTS (SELECT 1 FROM user_levels v WHERE v.user_id = u.id AND v.level_key = ?)',
      filter.levelKey,
    ],
    ['u.kind = ?', filter.kind],
    ['u.active = ?', filter.active],
    ['u.created_at >= ?', filter.createdFrom?.toISOString()],
    ['u.created_at < ?', filter.createdBefore?.toISOString()],
    ['u.updated_at >= ?', filter.updatedFrom?.toISOString()],
    ['u.updated_at < ?', filter.updatedBefore?.toISOString()],
  ];
}

function toUserRow(sql: UserSql): UserRow {
  return {
    id: sql.id,
    externalUserId: sql.external_user_id,
    kind: sql.kind,
    verificationStatus: sql.verification_status,
    statusSince: sql.status_since ?? toInstantText(new Date(sql.created_at)),
    expiresAt: sql.expires_at,
    active: Boolean(sql.active),
    erasedAt: sql.erased_at === null ? null : new Date(sql.erased_at),
    createdAt: new Date(sql.created_at),
    updatedAt: new Date(sql.updated_at),
  };
}

interface IdentitySql {
  readonly id: number;
  readonly user_id: number;
  readonly provider: string;
  readonly subject_ref: string;
  readonly external_user_id: string | null;
  readonly kind: SubjectKind;
  readonly state: AccountState;
  readonly linked: Flag;
  readonly created_at: string;
}

function toIdentityRow(sql: IdentitySql): IdentityRow {
  return {
    id: sql.id,
    userId: sql.user_id,
    provider: sql.provider,
    subjectRef: sql.subject_ref,
    externalUserId: sql.external_user_id,
    kind: sql.kind,
    state: sql.state,
    linked: Boolean(sql.linked),
    createdAt: new Date(sql.created_at),
  };
}

interface LevelSql {
  readonly user_id: number;
  readonly level_key: string;
  readonly kind: LevelKind;
  readonly status: VerificationStatus;
  readonly since: Instant;
  readonly expires_at: Instant | null;
  readonly superseded: Flag;
  readonly blocked_by: LevelKey | null;
  readonly blocked_at: Instant | null;
  readonly latest_attempt_id: number;
}

function toUserLevelRow(sql: LevelSql): UserLevelRow {
  return {
    userId: sql.user_id,
    levelKey: sql.level_key,
    kind: sql.kind,
    status: sql.status,
    since: sql.since,
    expiresAt: sql.expires_at,
    superseded: Boolean(sql.superseded),
    blockedBy: sql.blocked_by,
    blockedAt: sql.blocked_at,
    latestAttemptId: sql.latest_attempt_id,
  };
}

interface ProfileSql extends Omit<RecordedEvent, 'event' | 'receivedAt'> {
  readonly user_id: number;
  readonly data_key: Buffer;
  readonly data_key_id: string;
  readonly received_at: Instant;
  readonly body: string;
  readonly personal: Buffer;
}

function toProfileEvent(
  sql: ProfileSql,
  keyRing: KeyRing,
): RecordedEvent & { event: ProfileEvent } {
  const cipher = keyRing.unwrap({ dataKey: sql.data_key, dataKeyId: sql.data_key_id });
  const profile: Profile = JSON.parse(cipher.open(sql.personal, 'event.personal').toString('utf8'));
  const event: ProfileEvent = { ...JSON.parse(sql.body), profile };
  return { key: sql.key, receivedAt: sql.received_at, trust: sql.trust, event };
}

function mergeProfiles(told: readonly (RecordedEvent & { event: ProfileEvent })[]): Profile | null {
  if (told.length === 0) return null;
  return Object.assign({}, ...[...told].sort(byOccurrence).map(({ event }) => event.profile));
}
