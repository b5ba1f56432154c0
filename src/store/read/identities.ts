/** Reads the identities of users, their credentials and their personal data. */

import { setImmediate } from 'node:timers/promises';
import type { Profile, ProfileEvent } from '../../domain/event';
import { byOccurrence, type RecordedEvent } from '../../domain/fold/recorded-event';
import type { KeyRing, WrappedKey } from '../../encryption/key-ring';
import type { Connection } from '../database/database';
import { createRowReader, getNames, getPropertyColumns, toSelectList } from '../entities/columns';
import { CredentialEntity } from '../entities/credential.entity';
import { EventEntity } from '../entities/event.entity';
import { IdentityEntity, IdentityKeyEntity } from '../entities/identity.entity';
import { groupAll } from './by-id';
import type { CredentialRow, Reader } from './reader';

const IDENTITY = createRowReader(IdentityEntity, 'i', {
  except: ['undatedDeliveryId'],
  dates: ['createdAt'],
});
const { userId, subjectRef } = getNames(IdentityEntity, 'i');

type IdentityReader = Pick<Reader, 'identitiesOf' | 'credentialsOf' | 'profilesOf'>;

export function createIdentityReader(connection: Connection, keyRing: KeyRing): IdentityReader {
  return {
    async identitiesOf(userIds) {
      const rows = await connection.query<object>(
        `SELECT ${IDENTITY.select}
          FROM identities i WHERE ${userId} IN (?*) ORDER BY i.id`,
        [userIds],
      );
      const identities = rows.map(IDENTITY.toRow);
      return groupAll(
        userIds,
        identities.map((identity) => [identity.userId, identity]),
      );
    },

    async credentialsOf(userIds) {
      const rows = await connection.query<CredentialRow & OfUser>(LATEST_CREDENTIALS, [userIds]);
      return groupAll(
        userIds,
        rows.map(({ userId: owner, ...row }) => [owner, row]),
      );
    },

    async profilesOf(userIds) {
      const rows = await connection.query<ProfileSql>(PROFILE_EVENTS, [userIds]);
      const events = await mapInSlices(
        rows,
        (row) => [row.userId, toProfileEvent(row, keyRing)] as const,
      );
      return groupAll(userIds, events).map(mergeProfiles);
    },
  };
}

interface OfUser {
  readonly userId: number;
}

const c = getNames(CredentialEntity, 'c');
const l = getNames(CredentialEntity, 'l');
const { credentialRef } = getNames(CredentialEntity);

/** The ID is that of the first statement about the credential: it stays the same when later statements arrive. */
const LATEST_CREDENTIALS = `
  SELECT ${userId} AS "userId", ${toSelectList(
    getPropertyColumns(CredentialEntity, 'c', { except: ['id', 'deliveryId'] }),
  )},
      (SELECT min(id) FROM credentials f
        WHERE f.provider = c.provider AND f.${credentialRef} = ${c.credentialRef}) AS id
    FROM identities i
    JOIN credentials c ON c.provider = i.provider AND ${c.holderRef} = ${subjectRef}
    WHERE ${userId} IN (?*) AND NOT EXISTS (
      SELECT 1 FROM credentials l WHERE l.provider = c.provider AND ${l.credentialRef} = ${c.credentialRef}
        AND (${l.issuedAt}, ${l.holderRef}, l.id) > (${c.issuedAt}, ${c.holderRef}, c.id))
    ORDER BY ${c.issuedAt}, id`;

// ── Personal data ───────────────────────────────────────────────────────────────────────────────────────────────────

interface ProfileSql extends Omit<RecordedEvent, 'event'>, WrappedKey, OfUser {
  readonly body: string;
  readonly personal: Buffer;
}

const { identityId } = getNames(IdentityKeyEntity, 'k');
const e = getNames(EventEntity, 'e');

const PROFILE_EVENTS = `
  SELECT ${userId} AS "userId", ${toSelectList([
    ...getPropertyColumns(IdentityKeyEntity, 'k', { except: ['identityId'] }),
    ...getPropertyColumns(EventEntity, 'e', { except: ['id', 'deliveryId', 'identityId'] }),
  ])}
    FROM identities i JOIN identity_keys k ON ${identityId} = i.id JOIN events e ON ${e.identityId} = i.id
    WHERE ${userId} IN (?*) AND e.personal IS NOT NULL`;

type RecordedProfile = RecordedEvent & { readonly event: ProfileEvent };

function toProfileEvent(row: ProfileSql, keyRing: KeyRing): RecordedProfile {
  const { key, receivedAt, trust, body, personal } = row;
  const profile: Profile = JSON.parse(
    keyRing.unwrap(row).decrypt(personal, 'event.personal').toString('utf8'),
  );
  return { key, receivedAt, trust, event: { ...JSON.parse(body), profile } };
}

/** Returns the latest value of each field, or `null` if there is no event. */
function mergeProfiles(events: readonly RecordedProfile[]): Profile | null {
  if (events.length === 0) return null;
  return Object.assign({}, ...[...events].sort(byOccurrence).map(({ event }) => event.profile));
}

/** Rows per slice. Decrypting this many takes about a millisecond. */
const SLICE = 50;

/** Maps the items in order and yields to the event loop after each slice. */
export async function mapInSlices<In, Out>(
  items: readonly In[],
  map: (item: In) => Out,
): Promise<readonly Out[]> {
  const mapped: Out[] = [];
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % SLICE === 0) await setImmediate();
    mapped.push(map(item));
  }
  return mapped;
}
