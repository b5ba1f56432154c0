/**
 * Checks all values that a client sends, before anything runs: their types, and the texts and lists among them. A text
 * that a database cannot store as it is, or a list of any length, never reaches a resolver or a statement.
 */

import {
  type ASTNode,
  type ASTVisitor,
  coerceInputValue,
  GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  typeFromAST,
  type ValidationContext,
  ValuesOfCorrectTypeRule,
  type VariableDefinitionNode,
  visit,
} from 'graphql';
import { isLongerThan, isWellFormedText } from '../../domain/text';
import { invalidValueMessage } from './invalid-value';

/** In characters. Longer than every ID and level that adapters accept, shorter than PostgreSQL can index. */
export const MAX_TEXT_LENGTH = 600;
export const MAX_LIST_LENGTH = 1_000;

/** Faults reported of one operation. */
const MAX_ERRORS = 20;
const STOP = Symbol('ends the search for faults');

// ── Variables ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** @returns what is wrong with the variables that the operation declares; others are ignored. */
export function findVariableErrors(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): readonly GraphQLError[] {
  const faults = variableDefinitions.flatMap((definition) =>
    checkVariable(schema, definition, variables),
  );
  return faults.slice(0, MAX_ERRORS);
}

function checkVariable(
  schema: GraphQLSchema,
  definition: VariableDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): readonly GraphQLError[] {
  const { name } = definition.variable;
  const type = typeFromAST(schema, definition.type);
  if (!isInputType(type)) return []; // the document is valid, so that there is none such
  const fault = (message: string) => badInput(message, definition);
  const value = Object.hasOwn(variables, name.value) ? variables[name.value] : undefined;
  if (value === undefined) {
    const required = isNonNullType(type) && definition.defaultValue === undefined;
    return required ? [fault(`\`$${name.value}\` (${type}) must be given.`)] : [];
  }
  const faults: GraphQLError[] = [];
  try {
    coerceInputValue(value, type, (path, _, { message }) => {
      const place = printPath(`$${name.value}`, path);
      faults.push(fault(invalidValueMessage(place, typeAt(type, path), message)));
      if (faults.length === MAX_ERRORS) throw STOP;
    });
  } catch (error) {
    if (error !== STOP) throw error;
  }
  if (faults.length > 0) return faults;
  return findContentErrors(value, `$${name.value}`).map(fault);
}

/** Of every text and list in a value whose types are right. */
function findContentErrors(value: unknown, place: string): readonly string[] {
  if (typeof value === 'string') return findTextErrors(value, place);
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value) && value.length > MAX_LIST_LENGTH) return [tooManyItems(place)];
  return Object.entries(value).flatMap(([key, inner]) =>
    findContentErrors(inner, printPath(place, [Array.isArray(value) ? Number(key) : key])),
  );
}

function typeAt(type: GraphQLInputType, path: readonly (string | number)[]): GraphQLInputType {
  return path.reduce<GraphQLInputType>((outer, key) => {
    const bare = getNullableType(outer);
    if (isListType(bare)) return bare.ofType;
    return (isInputObjectType(bare) && bare.getFields()[key]?.type) || outer;
  }, type);
}

// ── Literals ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The library's rule, with messages that name type and allowed words. */
export function LiteralTypesRule(context: ValidationContext): ASTVisitor {
  const rewording = Object.create(context, {
    reportError: {
      value(error: GraphQLError) {
        const type = context.getInputType() ?? context.getParentInputType();
        context.reportError(type ? rewordError(error, type, context) : error);
      },
    },
  });
  return ValuesOfCorrectTypeRule(rewording);
}

function rewordError(error: GraphQLError, type: GraphQLInputType, context: ValidationContext) {
  const { nodes } = error;
  const place = nodes?.[0] ? findPath(nodes[0], context) : 'value';
  return new GraphQLError(invalidValueMessage(place, type, error.message), nodes ? { nodes } : {});
}

export function LiteralTextsRule(context: ValidationContext): ASTVisitor {
  const checkText = (node: ASTNode & { readonly value: string }) => {
    if (isValidText(node.value)) return;
    for (const message of findTextErrors(node.value, findPath(node, context))) {
      context.reportError(badInput(message, node));
    }
  };
  return {
    StringValue: checkText,
    IntValue: checkText, // an ID may be written as a number
    ListValue(node) {
      if (node.values.length <= MAX_LIST_LENGTH) return;
      context.reportError(badInput(tooManyItems(findPath(node, context)), node));
    },
  };
}

/** Arguments and fields around a value, e.g. `filter.status`. Searched for only where there is a fault. */
function findPath(wanted: ASTNode, context: ValidationContext): string {
  let place = '';
  visit(context.getDocument(), {
    enter(node, _key, parent, _path, ancestors) {
      if (place !== '') return false;
      if (node !== wanted) return undefined;
      const names = [...ancestors, parent, node].flatMap((around) =>
        around && 'kind' in around ? pathPart(around) : [],
      );
      place = names.join('.') || 'value';
      return false;
    },
  });
  return place;
}

function pathPart(node: ASTNode): readonly string[] {
  switch (node.kind) {
    case Kind.ARGUMENT:
    case Kind.OBJECT_FIELD:
      return [node.name.value];
    case Kind.VARIABLE_DEFINITION:
      return [`$${node.variable.name.value}`];
    default:
      return [];
  }
}

// ── Both ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function isValidText(text: string): boolean {
  return !isLongerThan(text, MAX_TEXT_LENGTH) && isWellFormedText(text);
}

function findTextErrors(text: string, place: string): readonly string[] {
  if (isValidText(text)) return [];
  return isLongerThan(text, MAX_TEXT_LENGTH)
    ? [`\`${place}\` must have at most ${MAX_TEXT_LENGTH} characters.`]
    : [`\`${place}\` must be valid Unicode without NUL characters.`];
}

function tooManyItems(place: string): string {
  return `\`${place}\` must have at most ${MAX_LIST_LENGTH} items.`;
}

function printPath(start: string, path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (place, key) => place + (typeof key === 'number' ? `[${key}]` : `.${key}`),
    start,
  );
}

function badInput(message: string, node: ASTNode): GraphQLError {
  return new GraphQLError(message, { nodes: node, extensions: { code: 'BAD_USER_INPUT' } });
}
