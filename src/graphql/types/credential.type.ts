/** A reusable credential that a vendor issued. */

import { Field, ID, ObjectType } from 'type-graphql';
import { toDate } from '../../domain/instant';
import type { ProviderId } from '../../domain/level';
import type { CredentialRow } from '../../store/read/reader';
import { ProviderEnum } from '../enums/provider.enum';
import { DateTime } from '../relay/date-time.scalar';
import { encodeNodeId } from '../relay/node-id';

@ObjectType({ description: 'A reusable credential that a vendor issued to the user.' })
export class Credential {
  @Field(() => ID, { description: 'Opaque, and the same for ever.' })
  readonly id: string;

  @Field(() => ProviderEnum, { description: 'The vendor that issued it.' })
  readonly provider: ProviderId;

  @Field(() => String, {
    description: "The vendor's id of the holder, which need not be its id of the user.",
  })
  readonly holderRef: string;

  @Field(() => String, { description: "The vendor's id of the credential." })
  readonly credentialRef: string;

  @Field(() => DateTime, { description: 'When it was issued.' })
  readonly issuedAt: Date;

  constructor(row: CredentialRow) {
    this.id = encodeNodeId('Credential', row.id);
    this.provider = row.provider;
    this.holderRef = row.holderRef;
    this.credentialRef = row.credentialRef;
    this.issuedAt = toDate(row.issuedAt);
  }
}
