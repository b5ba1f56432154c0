/** One authentic POST of a vendor. */

import { Field, Int, ObjectType } from 'type-graphql';
import type { ProviderId } from '../../domain/level';
import type { Disposition, Trust } from '../../domain/status';
import type { DeliveryRow } from '../../store/read/reader';
import { ProviderEnum } from '../enums/provider.enum';
import { DispositionEnum, TrustEnum } from '../enums/status.enum';
import { createConnectionType } from '../relay/connection.type';
import { DateTime } from '../relay/date-time.scalar';
import { Node } from '../relay/node.type';
import { encodeNodeId } from '../relay/node-id';
import type { Context } from '../request/context';

@ObjectType({ implements: Node, description: 'One authentic webhook, kept byte for byte.' })
export class WebhookDelivery implements Node {
  /** Our own number; not published. */
  readonly key: number;

  /** Not published; `user` is. */
  readonly userId: number | null;

  readonly id: string;

  @Field(() => ProviderEnum, { description: 'The vendor that sent it.' })
  readonly provider: ProviderId;

  @Field(() => DateTime, { description: 'When it first arrived.' })
  readonly receivedAt: Date;

  @Field(() => Int, { description: 'How often the vendor has sent it again.' })
  readonly duplicates: number;

  @Field(() => TrustEnum, { description: 'How it proved itself.' })
  readonly trust: Trust;

  @Field(() => DispositionEnum, { description: 'What became of it.' })
  readonly disposition: Disposition;

  @Field(() => String, {
    nullable: true,
    description: 'Why it is quarantined, for people: what was expected and where.',
  })
  readonly reason: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The vendor's name for the kind of message, where it could be read.",
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

/** The delivery of this number, batched; `null` if there is none, or deliveries are not the viewer's to see. */
export async function loadDelivery(context: Context, key: number): Promise<WebhookDelivery | null> {
  if (!context.visibility.canReadOperations) return null;
  const row = await context.loaders.delivery.load(key);
  return row && new WebhookDelivery(row);
}
