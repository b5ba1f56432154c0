/**
 * What an operation costs: about the number of fields in the longest answer that it can have.
 *
 * A field costs 1 and what is inside it. A page costs as often as it may have entries (`first`, `last`, else 20), any other
 * list as often as is usual, also `levels` without `first`. Counting all entries (`totalCount`, `levelCount`) is a statement
 * of its own and costs 10. What introspection asks for is bounded by the schema, and every field of it costs 1.
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

/** @param variables - Valid. @returns why the operation is refused with them, or `null`. */
export type CheckCost = (variables: Readonly<Record<string, unknown>>) => GraphQLError | null;

const DEFAULT_LIST_SIZE = 5;
const COUNT_COST = 10;
const COUNT_FIELDS = new Set(['totalCount', 'levelCount']);
/** Of one operation: costs with other page sizes. */
const MAX_CACHED_COSTS = 100;

/** @param document - Valid, and within all other limits. */
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
      maxQueryNodes: Number.POSITIVE_INFINITY, // they are counted already
    });
  }

  function check(variables: Readonly<Record<string, unknown>>): GraphQLError | null {
    const key = toCacheKey(costVariables, variables);
    const known = cache.get(key);
    if (known !== undefined) return findExcess(known, allowed);
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
  { name, type, args: taken }: ComplexityEstimatorArgs['field'],
  parent: string,
  args: Readonly<Record<string, unknown>>,
): number {
  const isList = isListType(getNullableType(type));
  if (taken.some((each) => each.name === 'first')) {
    if (!isList) return toPageSize(args, MAX_PAGE_SIZE);
    return typeof args.first === 'number' ? toPageSize(args, MAX_LEVELS) : DEFAULT_LIST_SIZE;
  }
  const isCounted = parent.endsWith('Connection'); // by the page
  const isBounded = [parent, name].some((each) => each.startsWith('__'));
  return isList && !isCounted && !isBounded ? DEFAULT_LIST_SIZE : 1;
}

/** One out of range is refused when it is asked for. */
function toPageSize({ first, last }: Readonly<Record<string, unknown>>, most: number): number {
  const size = [first, last].find((each) => typeof each === 'number') ?? DEFAULT_PAGE_SIZE;
  return Math.min(Math.max(Number(size), 1), most);
}

/** Sizes of pages are numbers, and what decides about a field is true or false: no other variable changes the cost. */
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

/** One that is absent takes its default, one that is null does not. */
function toKeyPart(value: unknown): unknown {
  return value === undefined ? typeof value : value;
}
