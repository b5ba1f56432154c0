/** Loads the terms by which a delivery without an identity is recognized as mentioning a person. */

import type { Profile } from '../../domain/event';
import type { KeyRing, WrappedKey } from '../../encryption/key-ring';
import { type IdentityNode, ROW_BYTES, type UserNode } from '../../projector/unit-of-work';
import type { Connection } from '../database/database';
import { getNames, getPropertyColumns, toSelectList } from '../entities/columns';
import { IdentityKeyEntity } from '../entities/identity.entity';
import { UserEntity } from '../entities/user.entity';
import { loadPages } from '../write/load-history';

const USER = getNames(UserEntity);
const DATA_KEY = getPropertyColumns(IdentityKeyEntity, 'k', { except: ['identityId'] });

/** Returns the external IDs, provider IDs and email addresses of the user, or of one identity alone. The order is stable. */
export async function loadSearchTerms(
  connection: Connection,
  keyRing: KeyRing,
  user: UserNode,
  identity: IdentityNode | null,
): Promise<readonly string[]> {
  const identities = identity === null ? [...user.identities] : [identity];
  const externalIds = await connection.query<{ id: string }>(
    `SELECT ${USER.externalUserId} AS id FROM users
      WHERE (id = ? OR ${USER.mergedInto} = ?) AND ${USER.externalUserId} IS NOT NULL ORDER BY id`,
    [user.id, user.id],
  );
  return [
    ...(identity === null ? externalIds.map(({ id }) => id) : []),
    ...identities.map(({ subjectRef }) => subjectRef).sort(),
    ...(await loadEmails(connection, keyRing, identities)),
  ];
}

/** Returns all email addresses in any profile of the identities. */
async function loadEmails(
  connection: Connection,
  keyRing: KeyRing,
  identities: readonly IdentityNode[],
): Promise<readonly string[]> {
  const emails = new Set<string>();
  const parameters = [identities.map(({ id }) => id)];
  const profiles = { sizes: PROFILE_SIZES, rows: PROFILES, parameters };
  await loadPages<WrappedKey & { readonly personal: Buffer }>(connection, profiles, (rows) => {
    for (const { personal, ...key } of rows) {
      const json = keyRing.unwrap(key).decrypt(personal, 'event.personal').toString('utf8');
      const { email }: Profile = JSON.parse(json);
      if (email !== undefined) emails.add(email);
    }
  });
  return [...emails].sort();
}

const PROFILE_SIZES = `
  SELECT id, octet_length(personal) + ${ROW_BYTES} AS bytes FROM events
  WHERE identity_id IN (?*) AND personal IS NOT NULL ORDER BY id`;

const PROFILES = `
  SELECT e.personal, ${toSelectList(DATA_KEY)}
  FROM events e JOIN identity_keys k ON k.identity_id = e.identity_id WHERE e.id IN (?*)`;
