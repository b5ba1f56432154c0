/** One user's account at one provider. */

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
  @Field(() => ID, { description: 'Opaque, and the same for ever.' })
  readonly id: string;

  @Field(() => ProviderEnum, { description: 'The vendor.' })
  readonly provider: ProviderId;

  @Field(() => String, { description: "The vendor's id of the user." })
  readonly ref: string;

  @Field(() => String, {
    nullable: true,
    description: "Our customer's id of the user as this vendor sends it, where it does.",
  })
  readonly externalUserId: string | null;

  @Field(() => SubjectKindEnum, {
    description: 'Whether it is the account of a person or of a company.',
  })
  readonly kind: SubjectKind;

  @Field(() => AccountStateEnum, { description: 'State of the account.' })
  readonly state: AccountState;

  @Field(() => Boolean, {
    description: "Tied to the user by an operator: the vendor's word no longer moves it.",
  })
  readonly linked: boolean;

  @Field(() => DateTime, { description: 'When the gateway first heard of the account.' })
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
