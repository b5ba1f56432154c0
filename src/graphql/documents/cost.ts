/**
 * Cost of an operation: an estimate of the number of fields in its largest response.
 *
 * A field costs 1 plus the cost of its selection. The selection of a page counts once per possible entry (`first` or
 * `last`, default 20). The selection of any other list, including `levels` without `first`, counts 5 times. A count
 * (`totalCount`, `levelCount`) runs a separate statement and costs 10. Introspection is bounded by the schema, so each of
 * its fields costs 1.
 */

import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getNullableType,
  isListType,
  Kind,
  type OperationDefinitionNode,
  type TypeNode,
} from 'graphql';
import { type ComplexityEstimatorArgs, getComplexity } from 'graphql-query-complexity';
import { MAX_LEVELS } from '../inputs/user-level.input';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../relay/page';

/** Returns an error if the operation is too costly with these variables, which must be valid. Otherwise returns null. */
export type CheckCost = (variables: Readonly<Record<string, unknown>>) => GraphQLError | null;

const DEFAULT_LIST_SIZE = 5;
const COUNT_COST = 10;
const COUNT_FIELDS = new Set(['totalCount', 'levelCount']);
/** Cached costs per operation, for different page sizes. */
const MAX_CACHED_COSTS = 100;

/**
 * Creates the cost check of one operation.
 *
 * @param document - Valid, and within all other limits.
 * @param allowed - Maximum cost.
 */
export function createCostCheck(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  allowed: number,
): CheckCost {
  const costVariables = findCostVariables(operation);
  const cache = new Map<string, number>();

  function computeCost(variables: Readonly<Record<string, unknown>>): number {
    return getComplexity({
      schema,
      query: document,
      ...(operation.name && { operationName: operation.name.value }),
      variables,
      estimators: [estimateField],
      maxQueryNodes: Number.POSITIVE_INFINITY, // `limits.ts` has counted them
    });
  }

  function check(variables: Readonly<Record<string, unknown>>): GraphQLError | null {
    const key = toCacheKey(costVariables, variables);
    const cached = cache.get(key);
    if (cached !== undefined) return findExcess(cached, allowed);
    const cost = computeCost(variables);
    if (cache.size >= MAX_CACHED_COSTS) cache.clear();
    cache.set(key, cost);
    return findExcess(cost, allowed);
  }

  return (variables) => {
    try {
      return check(variables);
    } catch (error) {
      if (error instanceof GraphQLError) return error;
      throw error;
    }
  };
}

function findExcess(requested: number, allowed: number): GraphQLError | null {
  if (requested <= allowed) return null;
  return new GraphQLError(`An operation may cost at most ${allowed}. Request smaller pages.`, {
    extensions: { code: 'TOO_COSTLY', cost: { requested, allowed } },
  });
}

function estimateField({ field, type, args, childComplexity }: ComplexityEstimatorArgs): number {
  if (COUNT_FIELDS.has(field.name)) return COUNT_COST;
  return 1 + childComplexity * estimateEntries(field, type.name, args);
}

function estimateEntries(
  { name, type, args: parameters }: ComplexityEstimatorArgs['field'],
  parent: string,
  args: Readonly<Record<string, unknown>>,
): number {
  const isList = isListType(getNullableType(type));
  if (parameters.some((argument) => argument.name === 'first')) {
    if (!isList) return toPageSize(args, MAX_PAGE_SIZE);
    return typeof args.first === 'number' ? toPageSize(args, MAX_LEVELS) : DEFAULT_LIST_SIZE;
  }
  const isCounted = parent.endsWith('Connection'); // the page itself counts
  const isBounded = [parent, name].some((part) => part.startsWith('__'));
  return isList && !isCounted && !isBounded ? DEFAULT_LIST_SIZE : 1;
}

/** Returns the page size within its range. The resolver rejects a size out of range. */
function toPageSize({ first, last }: Readonly<Record<string, unknown>>, most: number): number {
  const size = [first, last].find((argument) => typeof argument === 'number') ?? DEFAULT_PAGE_SIZE;
  return Math.min(Math.max(Number(size), 1), most);
}

/** Returns the variables that can change the cost: page sizes are integers, and conditions on fields are booleans. */
function findCostVariables({
  variableDefinitions = [],
}: OperationDefinitionNode): readonly string[] {
  return variableDefinitions
    .filter(({ type }) => ['Int', 'Boolean'].includes(typeName(type)))
    .map(({ variable }) => variable.name.value);
}

function typeName(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : typeName(type.type);
}

function toCacheKey(
  names: readonly string[],
  variables: Readonly<Record<string, unknown>>,
): string {
  return names.length === 0 ? '' : JSON.stringify(names.map((name) => toKeyPart(variables[name])));
}

/** Distinguishes absent from null, because only an absent variable takes its default. */
function toKeyPart(value: unknown): unknown {
  return value === undefined ? typeof value : value;
}
