/**
 * Limits on documents, checked before validation. Each fragment is counted once, and its counts are added at every spread:
 * a short document can expand to more fields than fit in memory.
 */

import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/** Maximum counts per operation, with fragments expanded at every spread. */
export interface DocumentLimits {
  /** Lexical tokens of the document. Parsing stops at the limit. */
  readonly tokens: number;
  /** Nested fields. */
  readonly depth: number;
  /** Root fields. */
  readonly rootFields: number;
  /** Fields and fragment spreads. */
  readonly fields: number;
  readonly aliases: number;
  readonly directives: number;
  /** Fragment definitions of the document. */
  readonly fragments: number;
  /** See `cost.ts`. */
  readonly cost: number;
}

interface Counts {
  readonly depth: number;
  readonly rootFields: number;
  readonly fields: number;
  readonly aliases: number;
  readonly directives: number;
}

const ZERO: Counts = { depth: 0, rootFields: 0, fields: 0, aliases: 0, directives: 0 };

/** Error codes. */
const CODES = {
  tokens: 'TOO_MANY_TOKENS',
  depth: 'TOO_DEEP',
  rootFields: 'TOO_MANY_ROOT_FIELDS',
  fields: 'TOO_MANY_FIELDS',
  aliases: 'TOO_MANY_ALIASES',
  directives: 'TOO_MANY_DIRECTIVES',
  fragments: 'TOO_MANY_FRAGMENTS',
} as const;

const LABELS: Readonly<Record<keyof typeof CODES, string>> = {
  tokens: 'tokens',
  depth: 'levels of fields',
  rootFields: 'root fields',
  fields: 'fields, with fragments expanded',
  aliases: 'aliases, with fragments expanded',
  directives: 'directives, with fragments expanded',
  fragments: 'fragments',
};

/** Returns an error for the first exceeded limit, or null. The document may be invalid. */
export function findExceededLimit(
  document: DocumentNode,
  limits: DocumentLimits,
): GraphQLError | null {
  const fragments = collectFragments(document);
  if (fragments.size > limits.fragments) return limitExceeded('fragments', fragments.size, limits);
  try {
    const count = createCounter(fragments);
    for (const definition of document.definitions) {
      if (!('selectionSet' in definition)) continue;
      const counts = count(definition);
      for (const name of CHECKED) {
        if (counts[name] > limits[name]) return limitExceeded(name, counts[name], limits);
      }
    }
    return null;
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
}

const CHECKED = ['depth', 'rootFields', 'aliases', 'directives', 'fields'] as const;

/** @param requested - Number found. Null if counting stopped at the limit. */
export function limitExceeded(
  name: keyof typeof CODES,
  requested: number | null,
  limits: DocumentLimits,
): GraphQLError {
  const allowed = limits[name];
  const limit = requested === null ? { allowed } : { allowed, requested };
  return new GraphQLError(`A document may have at most ${allowed} ${LABELS[name]}.`, {
    extensions: { code: CODES[name], limit },
  });
}

function collectFragments({ definitions }: DocumentNode): Map<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition);
    }
  }
  return fragments;
}

type Definition = OperationDefinitionNode | FragmentDefinitionNode;

/** Creates a counter that throws a `GraphQLError` if a fragment contains itself. */
function createCounter(
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): (definition: Definition) => Counts {
  const counted = new Map<Definition, Counts>();
  const open = new Set<Definition>();

  function count(definition: Definition): Counts {
    const cached = counted.get(definition);
    if (cached !== undefined) return cached;
    if (open.has(definition)) throw new GraphQLError('A fragment must not spread itself.');
    open.add(definition);
    const counts = withDirectives(countSelectionSet(definition.selectionSet), definition);
    open.delete(definition);
    counted.set(definition, counts);
    return counts;
  }

  function countSelectionSet({ selections }: SelectionSetNode): Counts {
    let sum = ZERO;
    for (const selection of selections) sum = add(sum, countSelection(selection));
    return sum;
  }

  function countSelection(selection: SelectionNode): Counts {
    if (selection.kind === Kind.FIELD) {
      const below = selection.selectionSet ? countSelectionSet(selection.selectionSet) : ZERO;
      const field = {
        depth: below.depth + 1,
        rootFields: 1,
        fields: below.fields + 1,
        aliases: below.aliases + (selection.alias ? 1 : 0),
        directives: below.directives,
      };
      return withDirectives(field, selection);
    }
    const inner =
      selection.kind === Kind.FRAGMENT_SPREAD
        ? countFragment(selection.name.value)
        : countSelectionSet(selection.selectionSet);
    return withDirectives({ ...inner, fields: inner.fields + 1 }, selection);
  }

  /** Returns zero for an undefined fragment, which validation rejects. */
  function countFragment(name: string): Counts {
    const fragment = fragments.get(name);
    return fragment === undefined ? ZERO : count(fragment);
  }

  return count;
}

function add(a: Counts, b: Counts): Counts {
  return {
    depth: Math.max(a.depth, b.depth),
    rootFields: a.rootFields + b.rootFields,
    fields: a.fields + b.fields,
    aliases: a.aliases + b.aliases,
    directives: a.directives + b.directives,
  };
}

function withDirectives(
  counts: Counts,
  node: { readonly directives?: readonly unknown[] },
): Counts {
  const own = node.directives?.length ?? 0;
  return own === 0 ? counts : { ...counts, directives: counts.directives + own };
}
