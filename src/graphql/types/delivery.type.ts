/** An authentic webhook or status response, stored byte for byte. */

import { Field, Int, ObjectType } from 'type-graphql';
import type { ProviderId } from '../../domain/level';
import type { Disposition, Trust } from '../../domain/status';
import type { DeliveryRow } from '../../store/read/reader';
import { ProviderEnum } from '../enums/provider.enum';
import { DispositionEnum, TrustEnum } from '../enums/status.enum';
import { createConnectionType, Node } from '../relay/connection.type';
import { DateTime } from '../relay/date-time.scalar';
import { encodeNodeId } from '../relay/node-id';
import type { Context } from '../request/context';

@ObjectType({
  implements: Node,
  description: 'An authentic webhook, or a response to a status check, stored byte for byte.',
})
export class WebhookDelivery implements Node {
  /** Internal number, not in the schema. */
  readonly key: number;

  /** For the field `user`. */
  readonly userId: number | null;

  readonly id: string;

  @Field(() => ProviderEnum, { description: 'The provider that sent the delivery.' })
  readonly provider: ProviderId;

  @Field(() => DateTime, { description: 'Time of the first receipt.' })
  readonly receivedAt: Date;

  @Field(() => Int, { description: 'Number of duplicates received.' })
  readonly duplicates: number;

  @Field(() => TrustEnum, { description: 'Evidence that the provider sent the delivery.' })
  readonly trust: Trust;

  @Field(() => DispositionEnum, { description: 'Result of processing the delivery.' })
  readonly disposition: Disposition;

  @Field(() => String, {
    nullable: true,
    description:
      'Why the delivery is quarantined, for people; may change. Null unless it is quarantined.',
  })
  readonly reason: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The provider's name for the type of event. Null if the delivery has none or is malformed.",
  })
  readonly eventType: string | null;

  constructor(row: DeliveryRow) {
    this.key = row.id;
    this.userId = row.userId;
    this.id = encodeNodeId('WebhookDelivery', row.id);
    this.provider = row.provider;
    this.receivedAt = row.receivedAt;
    this.duplicates = row.duplicates;
    this.trust = row.trust;
    this.disposition = row.disposition;
    this.reason = row.reason;
    this.eventType = row.eventType;
  }
}

export const WebhookDeliveryConnection = createConnectionType(
  'WebhookDelivery',
  'deliveries',
  () => WebhookDelivery,
);

/** Loads a delivery by number, batched. Returns null if it does not exist or the viewer may not see deliveries. */
export async function loadDelivery(context: Context, key: number): Promise<WebhookDelivery | null> {
  if (!context.visibility.canReadOperations) return null;
  const row = await context.loaders.delivery.load(key);
  return row && new WebhookDelivery(row);
}
