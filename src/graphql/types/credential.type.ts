/** A reusable credential issued by a provider. */

import { Field, ID, ObjectType } from 'type-graphql';
import { toDate } from '../../domain/instant';
import type { ProviderId } from '../../domain/level';
import type { CredentialRow } from '../../store/read/reader';
import { ProviderEnum } from '../enums/provider.enum';
import { DateTime } from '../relay/date-time.scalar';
import { encodeNodeId } from '../relay/node-id';

@ObjectType({ description: 'A reusable credential that a provider issued to the user.' })
export class Credential {
  @Field(() => ID, { description: 'Opaque, permanent ID.' })
  readonly id: string;

  @Field(() => ProviderEnum, { description: 'The provider that issued the credential.' })
  readonly provider: ProviderId;

  @Field(() => String, {
    description:
      "The provider's ID of the holder. It may differ from the provider's ID of the user.",
  })
  readonly holderRef: string;

  @Field(() => String, { description: "The provider's ID of the credential." })
  readonly credentialRef: string;

  @Field(() => DateTime, { description: 'Time of issue (provider timestamp).' })
  readonly issuedAt: Date;

  constructor(row: CredentialRow) {
    this.id = encodeNodeId('Credential', row.id);
    this.provider = row.provider;
    this.holderRef = row.holderRef;
    this.credentialRef = row.credentialRef;
    this.issuedAt = toDate(row.issuedAt);
  }
}
