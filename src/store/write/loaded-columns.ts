/** Columns that the load statements of both engines read, by alias. Rows are returned by property. */

import { AttemptEntity } from '../entities/attempt.entity';
import { getNames, getPropertyColumns } from '../entities/columns';
import { CredentialEntity } from '../entities/credential.entity';
import { DeliveryEntity } from '../entities/delivery.entity';
import { EventEntity } from '../entities/event.entity';
import { IdentityEntity, IdentityKeyEntity } from '../entities/identity.entity';
import { UserEntity } from '../entities/user.entity';
import { UserLevelEntity } from '../entities/user-level.entity';

export const LOADED = {
  users: getPropertyColumns(UserEntity, 'u'),
  identities: getPropertyColumns(IdentityEntity, 'i'),
  events: getPropertyColumns(EventEntity, 'e', { except: ['personal'] }),
  /** Joined with `levels l`. */
  attempts: [
    ...getPropertyColumns(AttemptEntity, 'a', { except: ['userId'] }),
    ['levelKind', 'l.kind'] as const,
  ],
  userLevels: getPropertyColumns(UserLevelEntity, 'v'),
  deliveries: getPropertyColumns(DeliveryEntity, 'd', {
    only: ['id', 'provider', 'duplicateKey', 'receivedAt', 'disposition'],
  }),
  credentials: getPropertyColumns(CredentialEntity, 'c', { except: ['deliveryId'] }),
} as const;

/** Columns by property, for conditions, by alias. */
export const NAMES = {
  a: getNames(AttemptEntity, 'a'),
  c: getNames(CredentialEntity, 'c'),
  d: getNames(DeliveryEntity, 'd'),
  e: getNames(EventEntity, 'e'),
  i: getNames(IdentityEntity, 'i'),
  k: getNames(IdentityKeyEntity, 'k'),
  u: getNames(UserEntity, 'u'),
  v: getNames(UserLevelEntity, 'v'),
} as const;
