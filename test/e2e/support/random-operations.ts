/** Random operations over the whole schema: every field and argument, with values that exist. */

import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import type { Draw } from './random-query';

export interface Probe {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Candidate texts, by the name of the argument or input field, or by the name of its scalar. */
export type Pools = Readonly<Record<string, readonly string[]>>;

/** A word of an enum: bare in a document, a string in variables. */
class Word {
  constructor(readonly name: string) {}
  toJSON(): string {
    return this.name;
  }
}

const MAX_DEPTH = 4;

/**
 * One document, as many times as are wanted, with other variables each.
 *
 * @param kind - What is to be drawn, of one root field.
 */
export function randomProbes(
  schema: GraphQLSchema,
  kind: 'query' | 'subscription',
  pools: Pools,
  draw: Draw,
  times: number,
): readonly Probe[] {
  const declared: Pick<GraphQLArgument, 'name' | 'type'>[] = [];
  let aliases = 0;

  const chance = (outOf: number) => draw(outOf) === 0;
  const pick = <T>(from: readonly T[]): T => {
    const one = from[draw(from.length)];
    if (one === undefined) throw new Error('nothing to pick from');
    return one;
  };

  function drawn(type: GraphQLInputType, name: string): unknown {
    if (isNonNullType(type)) return drawn(type.ofType, name);
    if (isListType(type)) {
      return Array.from({ length: draw(3) }, () => drawn(type.ofType, name));
    }
    if (isEnumType(type)) return new Word(pick(type.getValues()).name);
    if (isInputObjectType(type)) return fieldsOf(Object.values(type.getFields()));
    if (type.name === 'Int') return pick([1, 2, 3, 20, 100]);
    if (type.name === 'Boolean') return chance(2);
    return pick(pools[name] ?? pools[type.name] ?? []);
  }

  /** At most three that may be left out: of more, hardly anything is left to find. */
  function fieldsOf(fields: readonly GraphQLInputField[]): Record<string, unknown> {
    const given = fields.filter(({ type }) => isNonNullType(type));
    const optional = fields.filter(({ type }) => !isNonNullType(type));
    for (let count = draw(4); count > 0 && optional.length > 0; count -= 1) {
      given.push(...optional.splice(draw(optional.length), 1));
    }
    return Object.fromEntries(given.map(({ name, type }) => [name, drawn(type, name)]));
  }

  function argumentsOf(args: readonly GraphQLArgument[]): string {
    const names = new Set(args.map(({ name }) => name));
    const written = args.flatMap(({ name, type }) => {
      if (name === 'last' && names.has('first') && !chance(4)) return [];
      if (!isNonNullType(type) && chance(2)) return [];
      return [`${name}: ${chance(2) ? print(drawn(type, name)) : variableFor({ name, type })}`];
    });
    return written.length > 0 ? `(${written.join(', ')})` : '';
  }

  function variableFor(argument: Pick<GraphQLArgument, 'name' | 'type'>): string {
    declared.push(argument);
    return `$v${declared.length - 1}`;
  }

  function selectionOf(type: GraphQLObjectType | GraphQLInterfaceType, depth: number): string {
    if (isInterfaceType(type)) {
      const one = pick(schema.getPossibleTypes(type));
      return `{ __typename id ... on ${one.name} ${selectionOf(one, depth)} }`;
    }
    const fields = Object.values(type.getFields());
    const chosen = new Set(Array.from({ length: 1 + draw(3) }, () => pick(fields).name));
    const parts = [...chosen].map((name) => fieldOf(type, name, depth));
    return `{ ${parts.filter((part) => part !== '').join(' ') || '__typename'} }`;
  }

  function fieldOf(type: GraphQLObjectType, name: string, depth: number): string {
    const field = type.getFields()[name];
    if (field === undefined) return '';
    const inner = getNamedType(field.type);
    const given = argumentsOf(field.args);
    if (isLeafType(inner)) return given === '' ? name : `a${aliases++}: ${name}${given}`;
    if (depth >= MAX_DEPTH || !(isObjectType(inner) || isInterfaceType(inner))) return '';
    const selection = selectionOf(inner, depth + 1);
    return `${chance(4) && given === '' ? '' : `a${aliases++}: `}${name}${given} ${selection}`;
  }

  const root = kind === 'query' ? schema.getQueryType() : schema.getSubscriptionType();
  if (!root) throw new Error(`expected the schema to have a ${kind}`);
  const body = fieldOf(root, pick(Object.keys(root.getFields())), 0);
  const head = declared.map(({ type }, index) => `$v${index}: ${type}`).join(', ');
  const query = `${kind}${head === '' ? '' : ` Q(${head})`} { ${body} }`;
  return Array.from({ length: times }, () => ({
    query,
    variables: Object.fromEntries(
      declared.map(({ name, type }, index) => [`v${index}`, drawn(type, name)]),
    ),
  }));
}

function print(value: unknown): string {
  if (value instanceof Word) return value.name;
  if (Array.isArray(value)) return `[${value.map(print).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, one]) => `${name}: ${print(one)}`);
  return `{ ${fields.join(', ')} }`;
}
