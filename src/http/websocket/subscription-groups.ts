/**
 * Groups equal subscriptions, so that each change is executed and encoded once for all of them.
 *
 * Subscriptions are equal if document, operation, view of the data and variables are the same. Variables used only in arguments
 * of the root field may differ: they only select changes.
 */

import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import type { FrameEncoder } from '../../feed/broadcast-queue';
import { isTransient, retryTransient } from '../../graphql/request/transient';
import type { OperationContext } from '../../graphql/service';
import { createFrame, type Frame } from './frame';

/** Subscriptions with the same results. */
export interface Group {
  /**
   * Executes the operation for an entry of the change log. Retries with backoff while the result has a transient error.
   *
   * @throws the transient error, if it lasts longer than `retryForMs`.
   */
  execute(entry: unknown): Promise<ExecutionResult>;
  readonly encoder: FrameEncoder<Frame>;
  /** Must be called once per member. */
  leave(): Promise<void>;
}

/** An opened subscription. */
export interface Opened {
  readonly args: ExecutionArgs;
  readonly operation: OperationDefinitionNode;
  /** See `GraphQLService.getViewKey`. */
  readonly view: string | null;
  readonly context: OperationContext;
}

/**
 * @param retryForMs - Time for which an entry is retried while its result has a transient error.
 * @returns a function that adds a subscription to its group. The group executes with the context of its first member.
 */
export function createSubscriptionGroups(
  toPayload: (result: ExecutionResult) => object,
  retryForMs: number,
): (opened: Opened) => Promise<Group> {
  const byDocument = new WeakMap<DocumentNode, Map<string, Group & { size: number }>>();

  function getGroups(document: DocumentNode): Map<string, Group & { size: number }> {
    const groups = byDocument.get(document) ?? new Map();
    byDocument.set(document, groups);
    return groups;
  }

  function createGroup(args: ExecutionArgs, release: OperationContext['release']): Group {
    const pending = new Map<unknown, Promise<ExecutionResult>>();
    let disbanded = false;

    async function attempt(entry: unknown): Promise<ExecutionResult> {
      const result = await execute({ ...args, rootValue: entry });
      const transient = result.errors?.find(isTransient);
      if (transient !== undefined) throw transient;
      return result;
    }

    return {
      /** Members that wait for the same entry share its attempts. */
      execute(entry) {
        const known = pending.get(entry);
        if (known !== undefined) return known;
        const isOver = () => disbanded;
        const result = retryTransient(() => attempt(entry), { isOver, retryForMs });
        pending.set(entry, result);
        const remove = () => void pending.delete(entry);
        result.then(remove, remove);
        return result;
      },
      encoder: {
        // A single attempt, so that a failing document does not delay others.
        encode: async (change) => createFrame(JSON.stringify(toPayload(await attempt(change)))),
      },
      async leave() {
        disbanded = true;
        await release();
      },
    };
  }

  return async (opened) => {
    const { args, view, context } = opened;
    if (view === null) return createGroup(args, context.release);
    const groups = getGroups(args.document);
    const key = toKey(view, opened);
    const known = groups.get(key);
    if (known !== undefined) {
      known.size += 1;
      await context.release();
      return known;
    }
    const single = createGroup(args, context.release);
    const group = {
      ...single,
      size: 1,
      async leave() {
        group.size -= 1;
        if (group.size > 0) return;
        groups.delete(key);
        await single.leave();
      },
    };
    groups.set(key, group);
    return group;
  };
}

function toKey(view: string, { args, operation }: Opened): string {
  const variables = args.variableValues ?? {};
  const names = findVariablesBelowRoot(args.document, operation);
  const values = names.map((name) => [name, variables[name]]);
  return JSON.stringify([view, operation.name?.value, Object.fromEntries(values)]);
}

/** Names of the variables that are used outside of arguments of a root field. */
function findVariablesBelowRoot(
  document: DocumentNode,
  { selectionSet: { selections } }: OperationDefinitionNode,
): readonly string[] {
  const rootArguments = new Set<unknown>(
    selections.flatMap((field) => (field.kind === 'Field' ? (field.arguments ?? []) : [])),
  );
  const names = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Argument: (argument) => (rootArguments.has(argument) ? false : undefined),
    Variable({ name }) {
      names.add(name.value);
    },
  });
  return [...names].sort();
}
