/** Random documents for users and attempts that use every syntax of GraphQL. */

import {
  type GraphQLArgument,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isObjectType,
} from 'graphql';

/** Draws a whole number from 0 to below `count`. */
export type Draw = (count: number) => number;

/** Candidate values of arguments, in GraphQL syntax. */
export interface Values {
  /** Values by argument name. */
  readonly of: Readonly<Record<string, readonly string[]>>;
}

export interface RandomQuery {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

const ROOTS = ['user', 'users', 'verificationAttempts', 'cursor'];
/** Fields that are not selected below a root: each has a test of its own, or no data here. */
const RARE = new Set(['statusChanges', 'profile', 'credentials', 'verification']);
const MAX_DEPTH = 6;

export function randomQuery(schema: GraphQLSchema, values: Values, draw: Draw): RandomQuery {
  const root = schema.getQueryType();
  if (!root) throw new Error('a schema has queries');
  const fragments: string[] = [];
  const variables: Record<string, unknown> = {};
  const declared: string[] = [];

  const chance = (outOf: number) => draw(outOf) === 0;
  const pick = <T>(from: readonly T[]): T => {
    const one = from[draw(from.length)];
    if (one === undefined) throw new Error('nothing to pick from');
    return one;
  };

  function selection(type: GraphQLObjectType, depth: number): string {
    const names = Object.keys(type.getFields()).filter(
      (name) => type !== root && (!RARE.has(name) || chance(300)),
    );
    const asked = type === root ? [pick(ROOTS), ...(chance(5) ? [pick(ROOTS)] : [])] : [];
    const count = 1 + draw(Math.min(6, names.length || 1));
    if (type !== root) for (let at = 0; at < count; at += 1) asked.push(pick(names));
    const parts = asked.flatMap((name) => field(type, name, depth) ?? []);
    if (parts.length === 0 || chance(6)) parts.splice(draw(parts.length + 1), 0, '__typename');
    return `{ ${parts.map((part) => wrapped(type, part)).join(' ')} }`;
  }

  /** A field in a fragment is as good as a field. */
  function wrapped(type: GraphQLObjectType, part: string): string {
    if (chance(12)) return `... on ${type.name} { ${part} }`;
    if (chance(25)) return `... { ${part} }`;
    if (chance(15)) {
      const name = `F${fragments.length}`;
      fragments.push(`fragment ${name} on ${type.name} { ${part} }`);
      return `...${name}`;
    }
    return part;
  }

  function field(type: GraphQLObjectType, name: string, depth: number): string | null {
    const found = type.getFields()[name];
    if (found === undefined) return null;
    const inner = getNamedType(found.type);
    if (isCompositeType(inner) && depth >= MAX_DEPTH) return null;
    const alias = chance(15) ? `${pick(['a', 'b', 'status', 'id'])}: ` : '';
    const directive = chance(300) ? ' @include(if: true)' : '';
    const below = isObjectType(inner) ? ` ${selection(inner, depth + 1)}` : '';
    return `${alias}${name}${given(found.args)}${directive}${below}`;
  }

  function given(args: readonly GraphQLArgument[]): string {
    const written = args.flatMap(({ name, type }) => {
      const from = values.of[name];
      if (from === undefined || !chance(4)) return [];
      const value = pick(from);
      if (!chance(3)) return [`${name}: ${value}`];
      const variable = `v${declared.length}`;
      declared.push(`$${variable}: ${type}`);
      variables[variable] = toJson(value);
      return [`${name}: $${variable}`];
    });
    return written.length === 0 ? '' : `(${written.join(', ')})`;
  }

  const body = selection(root, 0);
  const head = declared.length > 0 ? `query Q(${declared.join(', ')}) ` : '';
  return { query: [`${head}${body}`, ...fragments].join('\n'), variables };
}

/** A value of a document as a client sends it in variables: `{ status: [PENDING] }` as `{"status":["PENDING"]}`. */
function toJson(value: string): unknown {
  const quoted = value.replace(/"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*/g, (word) =>
    word.startsWith('"') || ['true', 'false', 'null'].includes(word) ? word : `"${word}"`,
  );
  return JSON.parse(quoted);
}
