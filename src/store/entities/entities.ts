/** All entities. Both engines have the same tables. */

import { AccountErasureRequestEntity } from './account-erasure-request.entity';
import { ApiKeyEntity } from './api-key.entity';
import { AttemptEntity } from './attempt.entity';
import { AuditEntryEntity } from './audit-entry.entity';
import { ChangeEntity } from './change.entity';
import { CredentialEntity } from './credential.entity';
import { DeliveryEntity } from './delivery.entity';
import { ErasedSubjectEntity } from './erased-subject.entity';
import { ErasureRequestEntity } from './erasure-request.entity';
import { EventEntity } from './event.entity';
import { IdentityEntity, IdentityKeyEntity, StatusCheckEntity } from './identity.entity';
import { LegalHoldEntity } from './legal-hold.entity';
import { LevelEntity } from './level.entity';
import { SettingEntity } from './setting.entity';
import { UserEntity } from './user.entity';
import { UserLevelEntity } from './user-level.entity';

export const ENTITIES = [
  AccountErasureRequestEntity,
  ApiKeyEntity,
  AttemptEntity,
  AuditEntryEntity,
  ChangeEntity,
  CredentialEntity,
  DeliveryEntity,
  ErasedSubjectEntity,
  ErasureRequestEntity,
  EventEntity,
  IdentityEntity,
  IdentityKeyEntity,
  LegalHoldEntity,
  LevelEntity,
  SettingEntity,
  StatusCheckEntity,
  UserEntity,
  UserLevelEntity,
];
