/**
 * Planned execution: answers queries from one statement, byte for byte as plain execution does. Queries without a plan,
 * and all failures, fall back to plain execution.
 */

import type { GraphQLSchema, OperationDefinitionNode } from 'graphql';
import type { Principal } from '../../access/principal';
import { encodeCursor } from '../../domain/cursor';
import { END_USER_REASON_CODES, type EndUserReasons } from '../../domain/end-user-reasons';
import { GatewayError, InvariantError } from '../../domain/errors';
import type {
  Encoding,
  ForwardPage,
  JsonQueryFields,
  JsonQuerySelection,
  UserKey,
} from '../../store/json-query/query';
import type { Store } from '../../store/store';
import type {
  OperationRequest,
  PreparedOperation,
  PrepareOperation,
} from '../documents/prepare-operation';
import type { ProviderListing } from '../enums/provider.enum';
import { type AttemptsArgs, toAttemptConditions, toAttemptOrder } from '../inputs/attempt.input';
import {
  type IdentityInput,
  toUserConditions,
  toUserOrder,
  type UsersArgs,
} from '../inputs/user.input';
import {
  toUserLevelFilter,
  toUserLevelPage,
  type UserLevelFilterArgs,
  type UserLevelsArgs,
} from '../inputs/user-level.input';
import { encodeNodeId, parseNodeId } from '../relay/node-id';
import { type PageArgs, toPage } from '../relay/page';
import { createPlan, type Plan, type Selectors } from './plan';

export interface PlannedExecutionOptions {
  readonly schema: GraphQLSchema;
  /** Fields that the store supports in one statement. */
  readonly supported: JsonQueryFields;
  readonly prepare: PrepareOperation;
  readonly providers: readonly ProviderListing[];
  readonly store: Pick<Store, 'queryJson' | 'logId'>;
  readonly endUserReasons: EndUserReasons;
  readonly log: { warn(record: object, message: string): void };
}

/** Returns the response body. Null if the request requires plain execution. */
export type ExecutePlanned = (
  principal: Principal,
  request: OperationRequest,
) => Promise<string | null>;

export function createPlannedExecution(options: PlannedExecutionOptions): ExecutePlanned {
  const { schema, supported, prepare, providers, store, endUserReasons, log } = options;
  const planner = { schema, supported, selectors: createSelectors(providers) };
  const encoding = createEncoding(providers, store.logId);
  /** Garbage-collected with the document. */
  const plans = new WeakMap<OperationDefinitionNode, Plan | null>();

  function planFor({ document, operation }: PreparedOperation): Plan | null {
    const cached = plans.get(operation);
    if (cached !== undefined) return cached;
    const plan = createPlan(planner, document, operation);
    plans.set(operation, plan);
    return plan;
  }

  return async (principal, request) => {
    if (store.queryJson === null) return null;
    if (principal.kind === 'API_KEY' && !principal.scopes.has('read')) return null;
    const operation = prepare(request);
    if ('errors' in operation) return null;
    const plan = planFor(operation);
    try {
      const roots = plan?.(request.variables) ?? null;
      if (roots === null) return null;
      const viewer = principal.kind === 'USER' ? principal.externalUserId : null;
      const limited = viewer !== null && endUserReasons === 'limited';
      const reasonCodes = limited ? END_USER_REASON_CODES : null;
      return `{"data":${await store.queryJson({ roots, viewer, reasonCodes }, encoding)}}\n`;
    } catch (err) {
      if (err instanceof GatewayError) return null;
      // For example, a statement beyond the limits of SQLite. A retry would fail again at the same cost.
      plans.set(operation.operation, null);
      log.warn({ err }, 'failed to execute query plan; using plain execution');
      return null;
    }
  };
}

// ── Selection by arguments ──────────────────────────────────────────────────────────────────────────────────────────

function createSelectors(providers: readonly ProviderListing[]): Selectors {
  function attempts({ filter, orderBy, ...rest }: AttemptsArgs): JsonQuerySelection | null {
    const page = toForwardPage(rest);
    if (page === null || filter?.userIds || isGiven(filter?.externalUserId)) return null;
    const conditions = toAttemptConditions(providers, filter);
    return { of: 'attempts', filter: conditions, order: toAttemptOrder(orderBy), page };
  }

  return {
    'Query.user': (args: UserArgs) => {
      const by = toUserKey(args);
      return by && { of: 'user', by };
    },
    'Query.users': ({ filter, orderBy, ...rest }: UsersArgs) => {
      const page = toForwardPage(rest);
      if (page === null || filter?.ids || isGiven(filter?.externalUserId)) return null;
      const conditions = toUserConditions(providers, filter);
      return { of: 'users', filter: conditions, order: toUserOrder(orderBy), page };
    },
    'Query.verificationAttempts': attempts,
    'User.attempts': attempts,
    'User.levels': (args: UserLevelsArgs) => ({
      of: 'levels',
      filter: toUserLevelFilter(args),
      page: toUserLevelPage(args),
    }),
    'User.levelCount': (args: UserLevelFilterArgs) => ({
      of: 'levelCount',
      filter: toUserLevelFilter(args),
    }),
  };
}

interface UserArgs {
  readonly id?: string | null;
  readonly externalUserId?: string | null;
  readonly identity?: IdentityInput | null;
}

function toUserKey({ id, externalUserId, identity }: UserArgs): UserKey | null {
  if ([id, externalUserId, identity].filter(isGiven).length !== 1) return null;
  if (isGiven(id)) return { id: parseNodeId('User', id, '`id`') };
  if (isGiven(externalUserId)) return { externalUserId };
  return identity ? { provider: identity.provider, ref: identity.ref } : null;
}

function toForwardPage(args: PageArgs): ForwardPage | null {
  const { first, last: _, ...rest } = toPage(args);
  return first === undefined ? null : { first, ...rest };
}

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

function createEncoding(providers: readonly ProviderListing[], logId: string): Encoding {
  const names = new Map(providers.map(({ id, enumName }) => [id, enumName]));
  return {
    id: encodeNodeId,
    cursor: (position) => encodeCursor(logId, position),
    provider(id) {
      const name = names.get(id);
      if (name === undefined) throw new InvariantError('Provider is not in the registry');
      return name;
    },
  };
}
