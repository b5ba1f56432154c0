/**
 * Plans: documents of which the store can answer the whole tree in one statement, worked out once per document.
 *
 * A plan gives the same bytes as plain execution, or nothing: whatever is unusual about a document, its variables or the
 * viewer is left to plain execution, and so are all errors.
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

/** @returns the roots to ask for; `null`: these variables are left to plain execution. */
export type Plan = (
  variables: Readonly<Record<string, unknown>>,
) => readonly JsonQueryNode[] | null;

/**
 * What the arguments of a field choose, by `Type.field`; `null`: left to plain execution. Arguments come coerced: in the
 * shape that the schema gives them.
 */
export type Choices = Readonly<Record<string, (args: never) => JsonQuerySelection | null>>;

export interface Planner {
  readonly schema: GraphQLSchema;
  /** Fields that the store supports. */
  readonly supported: JsonQueryFields;
  readonly choices: Choices;
}

/** Beyond these, plain execution is as good, and a statement of any size is nobody's friend. */
const MAX_FIELDS = 200;
const MAX_PAGES_INSIDE_EACH_OTHER = 2;

/** What a document holds that plans know nothing of. */
class Unplannable extends Error {}

/**
 * @param document - Valid; `operation` is one of its own.
 * @returns `null` where the operation is left to plain execution.
 */
export function planOf(
  planner: Planner,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Plan | null {
  if (operation.operation !== 'query' || hasDirectives(operation)) return null;
  try {
    return createPlan(planner, document, operation);
  } catch (error) {
    if (error instanceof Unplannable) return null;
    throw error;
  }
}

function createPlan(
  planner: Planner,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Plan {
  const { schema } = planner;
  const root = schema.getQueryType();
  if (!root) throw new Unplannable();
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
      return fields.map((field) => nodeOf(field, coerced));
    } catch (error) {
      if (error instanceof Unplannable) return null;
      throw error;
    }
  };
}

/** A field of which the variables alone are wanting. */
interface PlannedField extends Pick<JsonQueryNode, 'as' | 'name'> {
  readonly choose?: (variables: Variables) => JsonQuerySelection | null;
  readonly fields?: readonly PlannedField[];
}

type Variables = Readonly<Record<string, unknown>>;

function nodeOf({ as, name, choose, fields }: PlannedField, variables: Variables): JsonQueryNode {
  const choice = choose?.(variables);
  if (choice === null) throw new Unplannable();
  return {
    as,
    name,
    ...(choice === undefined ? {} : { choice }),
    ...(fields === undefined ? {} : { fields: fields.map((field) => nodeOf(field, variables)) }),
  };
}

// ── From selections to fields ───────────────────────────────────────────────────────────────────────────────────────

interface Source extends Planner {
  readonly document: DocumentNode;
  readonly budget: { fields: number };
}

/** @param pagesAround - How many pages these fields are inside of. */
function planFields(
  source: Source,
  type: GraphQLObjectType,
  selections: readonly SelectionSetNode[],
  pagesAround: number,
): readonly PlannedField[] {
  const fields = new Map<string, FieldNode[]>();
  for (const selection of selections) collect(source, type, selection, fields);
  source.budget.fields -= fields.size;
  if (source.budget.fields < 0) throw new Unplannable();
  return [...fields].map(([as, nodes]) => planField(source, type, as, nodes, pagesAround));
}

function planField(
  source: Source,
  type: GraphQLObjectType,
  as: string,
  nodes: readonly FieldNode[],
  pagesAround: number,
): PlannedField {
  const [node] = nodes;
  if (node === undefined) throw new Unplannable();
  const name = node.name.value;
  if (name === '__typename') return { as, name: { text: type.name } };
  const field = type.getFields()[name];
  if (field === undefined || !source.supported[type.name]?.has(name)) throw new Unplannable();
  if (isPersonalField(field)) throw new Unplannable(); // whoever asks for it has to be looked at

  const choose = source.choices[`${type.name}.${name}`];
  if (choose === undefined && node.arguments?.length) throw new Unplannable();
  const isPage = choose !== undefined && isObjectType(getNullableType(field.type));
  const pages = pagesAround + (isPage ? 1 : 0);
  if (pages > MAX_PAGES_INSIDE_EACH_OTHER) throw new Unplannable();

  const selections = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  const inner = getNamedType(field.type);
  return {
    as,
    name,
    ...(choose && {
      choose: (variables) => choose(getArgumentValues(field, node, variables) as never),
    }),
    ...(isObjectType(inner) && { fields: planFields(source, inner, selections, pages) }),
  };
}

/** Fields by the name that they have in the answer, in the order in which they first occur. */
function collect(
  source: Source,
  type: GraphQLObjectType,
  { selections }: SelectionSetNode,
  fields: Map<string, FieldNode[]>,
): void {
  for (const selection of selections) {
    if (hasDirectives(selection)) throw new Unplannable();
    if (selection.kind === Kind.FIELD) {
      const as = (selection.alias ?? selection.name).value;
      const nodes = fields.get(as);
      if (nodes === undefined) fields.set(as, [selection]);
      else nodes.push(selection);
      continue;
    }
    const fragment = fragmentOf(source.document, selection);
    if (hasDirectives(fragment)) throw new Unplannable();
    if (applies(source.schema, fragment.typeCondition?.name.value ?? type.name, type)) {
      collect(source, type, fragment.selectionSet, fields);
    }
  }
}

function fragmentOf(
  { definitions }: DocumentNode,
  selection: FragmentSpreadNode | InlineFragmentNode,
): FragmentDefinitionNode | InlineFragmentNode {
  if (selection.kind === Kind.INLINE_FRAGMENT) return selection;
  const fragment = definitions.find(
    (definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION &&
      definition.name.value === selection.name.value,
  );
  if (fragment?.kind !== Kind.FRAGMENT_DEFINITION) throw new Unplannable();
  return fragment;
}

function applies(schema: GraphQLSchema, condition: string, type: GraphQLObjectType): boolean {
  const wanted = schema.getType(condition);
  return wanted === type || (isAbstractType(wanted) && schema.isSubType(wanted, type));
}

function hasDirectives({ directives }: { readonly directives?: readonly unknown[] }): boolean {
  return directives !== undefined && directives.length > 0;
}
