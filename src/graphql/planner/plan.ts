/**
 * Query plans: operations that the store can answer in one statement. An operation is planned once per document.
 *
 * A planned operation returns the same bytes as plain execution. Anything unsupported in the document, the variables or
 * the permissions requires plain execution, and so does every error.
 */

import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getNullableType,
  getVariableValues,
  type InlineFragmentNode,
  isAbstractType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type {
  JsonQueryFields,
  JsonQueryNode,
  JsonQuerySelection,
} from '../../store/json-query/query';
import { isPersonalField } from '../request/personal';

/** Returns the root nodes of the JSON query. Null if these variables require plain execution. */
export type Plan = (
  variables: Readonly<Record<string, unknown>>,
) => readonly JsonQueryNode[] | null;

/**
 * Conversions of field arguments to store selections, by `Type.field`. Null if the arguments require plain execution.
 * Arguments are coerced to the types of the schema.
 */
export type Selectors = Readonly<Record<string, (args: never) => JsonQuerySelection | null>>;

/** Inputs of planning that are equal for all operations. */
export interface Planner {
  readonly schema: GraphQLSchema;
  /** Fields that the store supports. */
  readonly supported: JsonQueryFields;
  readonly selectors: Selectors;
}

/** For larger operations, plain execution is as fast. Also bounds the size of statements. */
const MAX_FIELDS = 200;
const MAX_NESTED_PAGES = 2;

/** Part of an operation that requires plain execution. */
class UnsupportedError extends Error {}

/**
 * Plans an operation. Returns null if it requires plain execution.
 *
 * @param document - Valid document that contains `operation`.
 */
export function createPlan(
  planner: Planner,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Plan | null {
  if (operation.operation !== 'query' || hasDirectives(operation)) return null;
  try {
    return planOperation(planner, document, operation);
  } catch (error) {
    if (error instanceof UnsupportedError) return null;
    throw error;
  }
}

function planOperation(
  planner: Planner,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Plan {
  const { schema } = planner;
  const root = schema.getQueryType();
  if (!root) throw new UnsupportedError();
  const fields = planFields(
    { ...planner, document, budget: { fields: MAX_FIELDS } },
    root,
    [operation.selectionSet],
    0,
  );
  const definitions = operation.variableDefinitions ?? [];
  return (variables) => {
    const { coerced } = getVariableValues(schema, definitions, variables);
    if (coerced === undefined) return null;
    try {
      return fields.map((field) => toNode(field, coerced));
    } catch (error) {
      if (error instanceof UnsupportedError) return null;
      throw error;
    }
  };
}

/** A field that is complete except for the variables. */
interface PlannedField extends Pick<JsonQueryNode, 'as' | 'name'> {
  readonly select?: (variables: Variables) => JsonQuerySelection | null;
  readonly fields?: readonly PlannedField[];
}

type Variables = Readonly<Record<string, unknown>>;

function toNode({ as, name, select, fields }: PlannedField, variables: Variables): JsonQueryNode {
  const choice = select?.(variables);
  if (choice === null) throw new UnsupportedError();
  return {
    as,
    name,
    ...(choice === undefined ? {} : { choice }),
    ...(fields === undefined ? {} : { fields: fields.map((field) => toNode(field, variables)) }),
  };
}

// ── From selections to fields ───────────────────────────────────────────────────────────────────────────────────────

interface Source extends Planner {
  readonly document: DocumentNode;
  readonly budget: { fields: number };
}

/** @param outerPages - Number of pages that contain these fields. */
function planFields(
  source: Source,
  type: GraphQLObjectType,
  selections: readonly SelectionSetNode[],
  outerPages: number,
): readonly PlannedField[] {
  const fields = new Map<string, FieldNode[]>();
  for (const selection of selections) collect(source, type, selection, fields);
  source.budget.fields -= fields.size;
  if (source.budget.fields < 0) throw new UnsupportedError();
  return [...fields].map(([as, nodes]) => planField(source, type, as, nodes, outerPages));
}

function planField(
  source: Source,
  type: GraphQLObjectType,
  as: string,
  nodes: readonly FieldNode[],
  outerPages: number,
): PlannedField {
  const [node] = nodes;
  if (node === undefined) throw new UnsupportedError();
  const name = node.name.value;
  if (name === '__typename') return { as, name: { text: type.name } };
  const field = type.getFields()[name];
  if (field === undefined || !source.supported[type.name]?.has(name)) throw new UnsupportedError();
  if (isPersonalField(field)) throw new UnsupportedError(); // plain execution checks permissions and writes audit entries

  const select = source.selectors[`${type.name}.${name}`];
  if (select === undefined && node.arguments?.length) throw new UnsupportedError();
  const isPage = select !== undefined && isObjectType(getNullableType(field.type));
  const pages = outerPages + (isPage ? 1 : 0);
  if (pages > MAX_NESTED_PAGES) throw new UnsupportedError();

  const selections = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  const inner = getNamedType(field.type);
  return {
    as,
    name,
    ...(select && {
      select: (variables) => select(getArgumentValues(field, node, variables) as never),
    }),
    ...(isObjectType(inner) && { fields: planFields(source, inner, selections, pages) }),
  };
}

/** Collects fields by response name, in order of first occurrence. */
function collect(
  source: Source,
  type: GraphQLObjectType,
  { selections }: SelectionSetNode,
  fields: Map<string, FieldNode[]>,
): void {
  for (const selection of selections) {
    if (hasDirectives(selection)) throw new UnsupportedError();
    if (selection.kind === Kind.FIELD) {
      const as = (selection.alias ?? selection.name).value;
      const nodes = fields.get(as);
      if (nodes === undefined) fields.set(as, [selection]);
      else nodes.push(selection);
      continue;
    }
    const fragment = findFragment(source.document, selection);
    if (hasDirectives(fragment)) throw new UnsupportedError();
    if (appliesTo(source.schema, fragment.typeCondition?.name.value ?? type.name, type)) {
      collect(source, type, fragment.selectionSet, fields);
    }
  }
}

function findFragment(
  { definitions }: DocumentNode,
  selection: FragmentSpreadNode | InlineFragmentNode,
): FragmentDefinitionNode | InlineFragmentNode {
  if (selection.kind === Kind.INLINE_FRAGMENT) return selection;
  const fragment = definitions.find(
    (definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION &&
      definition.name.value === selection.name.value,
  );
  if (fragment?.kind !== Kind.FRAGMENT_DEFINITION) throw new UnsupportedError();
  return fragment;
}

function appliesTo(schema: GraphQLSchema, condition: string, type: GraphQLObjectType): boolean {
  const target = schema.getType(condition);
  return target === type || (isAbstractType(target) && schema.isSubType(target, type));
}

function hasDirectives({ directives }: { readonly directives?: readonly unknown[] }): boolean {
  return directives !== undefined && directives.length > 0;
}
