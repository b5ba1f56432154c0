/**
 * Checks of all literals and variables before execution: types, text and list sizes. Text that a database cannot store
 * unchanged, and oversized lists, never reach a resolver or a statement.
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

/** In characters. Exceeds every ID and level that adapters accept, and is below the index limit of PostgreSQL. */
export const MAX_TEXT_LENGTH = 600;
export const MAX_LIST_LENGTH = 1_000;

/** Maximum number of errors reported per operation. */
const MAX_ERRORS = 20;
const STOP = Symbol('maximum number of errors reached');

// ── Variables ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Returns the errors in the variables that the operation declares. Ignores other variables. */
export function findVariableErrors(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): readonly GraphQLError[] {
  const errors = variableDefinitions.flatMap((definition) =>
    checkVariable(schema, definition, variables),
  );
  return errors.slice(0, MAX_ERRORS);
}

function checkVariable(
  schema: GraphQLSchema,
  definition: VariableDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): readonly GraphQLError[] {
  const { name } = definition.variable;
  const type = typeFromAST(schema, definition.type);
  if (!isInputType(type)) return []; // cannot occur in a valid document
  const toError = (message: string) => badInput(message, definition);
  const value = Object.hasOwn(variables, name.value) ? variables[name.value] : undefined;
  if (value === undefined) {
    const required = isNonNullType(type) && definition.defaultValue === undefined;
    return required ? [toError(`\`$${name.value}\` (${type}) is required.`)] : [];
  }
  const errors: GraphQLError[] = [];
  try {
    coerceInputValue(value, type, (keys, _, { message }) => {
      const path = printPath(`$${name.value}`, keys);
      errors.push(toError(invalidValueMessage(path, typeAt(type, keys), message)));
      if (errors.length === MAX_ERRORS) throw STOP;
    });
  } catch (error) {
    if (error !== STOP) throw error;
  }
  if (errors.length > 0) return errors;
  return findContentErrors(value, `$${name.value}`).map(toError);
}

/** Returns the errors in the text and lists of a value that matches its type. */
function findContentErrors(value: unknown, path: string): readonly string[] {
  if (typeof value === 'string') return findTextErrors(value, path);
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value) && value.length > MAX_LIST_LENGTH) return [tooManyItems(path)];
  return Object.entries(value).flatMap(([key, inner]) =>
    findContentErrors(inner, printPath(path, [Array.isArray(value) ? Number(key) : key])),
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

/** The rule of the GraphQL library, with messages that contain the type and the allowed values. */
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
  const path = nodes?.[0] ? findPath(nodes[0], context) : 'value';
  return new GraphQLError(invalidValueMessage(path, type, error.message), nodes ? { nodes } : {});
}

/** Applies the limits on text and lists to literals. */
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

/** Returns the arguments and fields that contain a value, for example `filter.status`. Searched only for an error. */
function findPath(wanted: ASTNode, context: ValidationContext): string {
  let path = '';
  visit(context.getDocument(), {
    enter(node, _key, parent, _path, ancestors) {
      if (path !== '') return false;
      if (node !== wanted) return undefined;
      const names = [...ancestors, parent, node].flatMap((around) =>
        around && 'kind' in around ? pathPart(around) : [],
      );
      path = names.join('.') || 'value';
      return false;
    },
  });
  return path;
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

function findTextErrors(text: string, path: string): readonly string[] {
  if (isValidText(text)) return [];
  return isLongerThan(text, MAX_TEXT_LENGTH)
    ? [`\`${path}\` must have at most ${MAX_TEXT_LENGTH} characters.`]
    : [`\`${path}\` must be valid Unicode without NUL characters.`];
}

function tooManyItems(path: string): string {
  return `\`${path}\` must have at most ${MAX_LIST_LENGTH} items.`;
}

function printPath(start: string, path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (path, key) => path + (typeof key === 'number' ? `[${key}]` : `.${key}`),
    start,
  );
}

function badInput(message: string, node: ASTNode): GraphQLError {
  return new GraphQLError(message, { nodes: node, extensions: { code: 'BAD_USER_INPUT' } });
}
