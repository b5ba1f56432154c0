/** A user's account at a provider. */

import { Field, ID, ObjectType } from 'type-graphql';
import type { AccountState } from '../../domain/event';
import type { ProviderId, SubjectKind } from '../../domain/level';
import type { IdentityRow } from '../../store/read/reader';
import { ProviderEnum } from '../enums/provider.enum';
import { AccountStateEnum, SubjectKindEnum } from '../enums/status.enum';
import { DateTime } from '../relay/date-time.scalar';
import { encodeNodeId } from '../relay/node-id';

@ObjectType({ description: "A user's account at a provider." })
export class Identity {
  @Field(() => ID, { description: 'Opaque, permanent ID.' })
  readonly id: string;

  @Field(() => ProviderEnum, { description: 'The provider.' })
  readonly provider: ProviderId;

  @Field(() => String, { description: "The provider's ID of the user." })
  readonly ref: string;

  @Field(() => String, {
    nullable: true,
    description:
      'Your ID for the user, as this provider sends it. Null if the provider sends none.',
  })
  readonly externalUserId: string | null;

  @Field(() => SubjectKindEnum, {
    description: 'Kind of the account: person or company.',
  })
  readonly kind: SubjectKind;

  @Field(() => AccountStateEnum, { description: 'State of the account.' })
  readonly state: AccountState;

  @Field(() => Boolean, {
    description:
      'Whether an operator linked the identity to the user. If true, an ID that the provider sends no longer moves it to another user.',
  })
  readonly linked: boolean;

  @Field(() => DateTime, {
    description: 'Time of the first delivery about the account, or of its link.',
  })
  readonly createdAt: Date;

  constructor(row: IdentityRow) {
    this.id = encodeNodeId('Identity', row.id);
    this.provider = row.provider;
    this.ref = row.subjectRef;
    this.externalUserId = row.externalUserId;
    this.kind = row.kind;
    this.state = row.state;
    this.linked = row.linked;
    this.createdAt = row.createdAt;
  }
}
