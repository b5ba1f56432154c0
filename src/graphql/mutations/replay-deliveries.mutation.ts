/** `replayDeliveries`: applies stored deliveries again, parsed by the current adapters. */

import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from 'type-graphql';
import type { ProviderId } from '../../domain/level';
import type { Disposition } from '../../domain/status';
import type { ReplayOutcome } from '../../store/replay/replay-deliveries';
import type { ReplaySelection } from '../../store/replay/stored-deliveries';
import { ProviderEnum } from '../enums/provider.enum';
import { DispositionEnum } from '../enums/status.enum';
import { DateTime } from '../relay/date-time.scalar';
import { parseNodeId } from '../relay/node-id';
import { omitNullish } from '../relay/omit-nullish';
import type { Context } from '../request/context';
import { loadDelivery, WebhookDelivery } from '../types/delivery.type';
import { StatusChange } from '../types/status-change.type';
import { MutationPayload, UserError } from '../types/user-error.type';

@InputType({
  description: 'Conditions that select deliveries. Provide at least one; all of them must match.',
})
export class ReplayDeliveriesInput {
  @Field(() => [ID], { nullable: true, description: 'Only deliveries with one of these IDs.' })
  readonly ids?: readonly string[] | null;

  @Field(() => ProviderEnum, { nullable: true, description: 'Only deliveries of this provider.' })
  readonly provider?: ProviderId | null;

  @Field(() => DispositionEnum, {
    nullable: true,
    description: 'Only deliveries with this disposition.',
  })
  readonly disposition?: Disposition | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Only deliveries received at or after this time.',
  })
  readonly receivedFrom?: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Only deliveries received before this time.',
  })
  readonly receivedBefore?: Date | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Whether to return the changes without applying them.',
  })
  readonly dryRun!: boolean;
}

@ObjectType({ description: 'A delivery whose disposition changed in a replay.' })
export class DispositionChange {
  /** For the field `delivery`. */
  readonly deliveryId: number;

  @Field(() => DispositionEnum, { description: 'Disposition before the replay.' })
  readonly before: Disposition;

  @Field(() => DispositionEnum, { description: 'Disposition after the replay.' })
  readonly after: Disposition;

  constructor(change: ReplayOutcome['dispositionChanges'][number]) {
    this.deliveryId = change.deliveryId;
    this.before = change.before;
    this.after = change.after;
  }
}

@ObjectType({ description: 'A delivery that could not be replayed and remains unchanged.' })
export class ReplayFailure {
  /** For the field `delivery`. */
  readonly deliveryId: number;

  @Field(() => String, {
    description:
      'Stable code of the failure. `PROVIDER_UNKNOWN` if the provider is not configured.',
  })
  readonly code: string;

  @Field(() => String, { description: 'Message for people; may change.' })
  readonly message: string;

  constructor({ deliveryId, reason }: ReplayOutcome['failed'][number]) {
    this.deliveryId = deliveryId;
    this.code = reason.code;
    this.message = reason.message;
  }
}

@ObjectType({ description: 'Result of `replayDeliveries`.' })
export class ReplayDeliveriesPayload extends MutationPayload {
  @Field(() => Int, { description: 'Number of selected deliveries.' })
  readonly deliveries: number;

  @Field(() => [DispositionChange], {
    description: 'Deliveries whose disposition changed, in order of receipt.',
  })
  readonly dispositionChanges: readonly DispositionChange[];

  @Field(() => [ReplayFailure], {
    description:
      'Deliveries that could not be replayed, in order of receipt: malformed, or of a provider that is not configured.',
  })
  readonly failed: readonly ReplayFailure[];

  @Field(() => [StatusChange], {
    description:
      'Status changes of the replay. With `dryRun`, their IDs and cursors are provisional.',
  })
  readonly changes: readonly StatusChange[];

  constructor(outcome: ReplayOutcome, logId: string, userErrors: readonly UserError[]) {
    super(userErrors);
    this.deliveries = outcome.deliveries;
    this.dispositionChanges = outcome.dispositionChanges.map((one) => new DispositionChange(one));
    this.failed = outcome.failed.map((one) => new ReplayFailure(one));
    this.changes = outcome.changes.map((change) => new StatusChange(change, logId));
  }
}

@Resolver(() => DispositionChange)
export class ReplayDeliveriesResolver {
  @Mutation(() => ReplayDeliveriesPayload, {
    description:
      'Replays stored deliveries: parses and applies them again, for example quarantined deliveries after an upgrade. Works in steps; if it is interrupted, repeat the call to replay the rest. Idempotent. Requires the `operate` and `read` scopes.',
  })
  async replayDeliveries(
    @Arg('input', () => ReplayDeliveriesInput, {
      description: 'The deliveries, and whether to apply the changes.',
    })
    input: ReplayDeliveriesInput,
    @Ctx() context: Context,
  ): Promise<ReplayDeliveriesPayload> {
    const operator = context.visibility.assertCanOperate();
    context.visibility.assertCanRead();
    const selection = toSelection(input);
    if (Object.keys(selection).length === 0) {
      const message = 'Provide at least one condition that selects deliveries.';
      return new ReplayDeliveriesPayload(EMPTY_OUTCOME, context.store.logId, [
        new UserError('SELECTION_MISSING', message, ['input']),
      ]);
    }
    const { dryRun } = input;
    const { reread } = context;
    const now = context.now();
    const outcome = await context.store
      .replay({ selection, dryRun, ...operator, now, reread })
      .finally(() => dryRun || context.feed.wake()); // also after a failure: completed steps are in the log
    context.refresh();
    return new ReplayDeliveriesPayload(outcome, context.store.logId, []);
  }

  @FieldResolver(() => WebhookDelivery, { nullable: true, description: 'The delivery.' })
  delivery(
    @Root() { deliveryId }: DispositionChange,
    @Ctx() context: Context,
  ): Promise<WebhookDelivery | null> {
    return loadDelivery(context, deliveryId);
  }
}

@Resolver(() => ReplayFailure)
export class ReplayFailureResolver {
  @FieldResolver(() => WebhookDelivery, { nullable: true, description: 'The delivery.' })
  delivery(
    @Root() { deliveryId }: ReplayFailure,
    @Ctx() context: Context,
  ): Promise<WebhookDelivery | null> {
    return loadDelivery(context, deliveryId);
  }
}

const EMPTY_OUTCOME: ReplayOutcome = {
  deliveries: 0,
  dispositionChanges: [],
  failed: [],
  changes: [],
};

function toSelection(input: ReplayDeliveriesInput): ReplaySelection {
  const { ids, dryRun: _, ...conditions } = input;
  const keys = ids?.map((id) => parseNodeId('WebhookDelivery', id, 'Each of `ids`'));
  return omitNullish({ ...conditions, ids: keys });
}
