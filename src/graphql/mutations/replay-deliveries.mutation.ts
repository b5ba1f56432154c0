/** What operators do to deliveries: apply them again, as the adapters understand them now. */

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
  description:
    'Which deliveries to apply again; all given conditions hold, and at least one must be given.',
})
export class ReplayDeliveriesInput {
  @Field(() => [ID], { nullable: true, description: 'These.' })
  readonly ids?: readonly string[] | null;

  @Field(() => ProviderEnum, { nullable: true, description: 'Of this vendor.' })
  readonly provider?: ProviderId | null;

  @Field(() => DispositionEnum, { nullable: true, description: 'Of which this became.' })
  readonly disposition?: Disposition | null;

  @Field(() => DateTime, { nullable: true, description: 'Received at this moment or later.' })
  readonly receivedFrom?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Received before this moment.' })
  readonly receivedBefore?: Date | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Change nothing, and answer what would change.',
  })
  readonly dryRun!: boolean;
}

@ObjectType({ description: 'A delivery of which something else became than before.' })
export class DispositionChange {
  /** Not published; `delivery` is. */
  readonly deliveryId: number;

  @Field(() => DispositionEnum, { description: 'What had become of it.' })
  readonly before: Disposition;

  @Field(() => DispositionEnum, { description: 'What becomes of it now.' })
  readonly after: Disposition;

  constructor(dispositionChanges: ReplayOutcome['dispositionChanges'][number]) {
    this.deliveryId = dispositionChanges.deliveryId;
    this.before = dispositionChanges.before;
    this.after = dispositionChanges.after;
  }
}

@ObjectType({ description: 'A delivery that was left as it was.' })
export class ReplayFailure {
  /** Not published; `delivery` is. */
  readonly deliveryId: number;

  @Field(() => String, {
    description:
      'Stable, for programs: why it cannot be read now, `PROVIDER_UNKNOWN` for a vendor that is not configured.',
  })
  readonly code: string;

  @Field(() => String, { description: 'For people; may change.' })
  readonly message: string;

  constructor({ deliveryId, reason }: ReplayOutcome['failed'][number]) {
    this.deliveryId = deliveryId;
    this.code = reason.code;
    this.message = reason.message;
  }
}

@ObjectType({ description: 'What came of `replayDeliveries`, or would with `dryRun`.' })
export class ReplayDeliveriesPayload extends MutationPayload {
  @Field(() => Int, { description: 'How many deliveries were selected.' })
  readonly deliveries: number;

  @Field(() => [DispositionChange], {
    description: 'Those of which something else became than before, in the order of receipt.',
  })
  readonly dispositionChanges: readonly DispositionChange[];

  @Field(() => [ReplayFailure], {
    description:
      'Those that cannot be read any more, or not by a vendor that is configured: left as they were, in the order of receipt.',
  })
  readonly failed: readonly ReplayFailure[];

  @Field(() => [StatusChange], {
    description:
      'The entries of the change log. With `dryRun` their ids and cursors are provisional.',
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
      'Applies kept deliveries again, as the gateway understands them now: after a fix, say, those in quarantine. It is done in steps; where it is cut short, the same call again does the rest. Needs the scopes `operate` and `read`, for the answer tells about users.',
  })
  async replayDeliveries(
    @Arg('input', () => ReplayDeliveriesInput, { description: 'Which, and whether in earnest.' })
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
      .finally(() => dryRun || context.feed.wake()); // also where it was cut short: some of it is in the log
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
