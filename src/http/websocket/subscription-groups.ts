/**
 * Equal subscriptions share their work: what is sent about an entry is made once for all of them.
 *
 * Equal are those of one document, operation, view of the data and variables. Variables that only choose entries, being
 * given to nothing but the root field, may differ.
 */

import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import type { FrameEncoder } from '../../feed/frame-encoder';
import { isTransient, retryTransient } from '../../graphql/request/transient';
import type { OperationContext } from '../../graphql/service';
import { createFrame, type Frame } from './frame';

/** One or more subscriptions that give the same answers. */
export interface Group {
  /**
   * Executes again, after pauses that grow, as long as a fault of the result is transient: an entry is never answered
   * with an error that the next attempt would not have.
   *
   * @throws the transient fault, if it lasts.
   */
  answer(entry: unknown): Promise<ExecutionResult>;
  readonly press: FrameEncoder<Frame>;
  /** To be called once by each that joined. */
  leave(): Promise<void>;
}

/** A subscription that could be opened. */
export interface Opened {
  readonly args: ExecutionArgs;
  readonly operation: OperationDefinitionNode;
  /** See `GraphQLService.viewOf`. */
  readonly view: string | null;
  readonly context: OperationContext;
}

/**
 * @param retryForMs - How long an entry is executed again while its result has a transient fault.
 * @returns a function that finds the group for a subscription. The first in a group executes for all.
 */
export function createSubscriptionGroups(
  toPayload: (result: ExecutionResult) => object,
  retryForMs: number,
): (opened: Opened) => Promise<Group> {
  const byDocument = new WeakMap<DocumentNode, Map<string, Group & { size: number }>>();

  function groupsOf(document: DocumentNode): Map<string, Group & { size: number }> {
    const groups = byDocument.get(document) ?? new Map();
    byDocument.set(document, groups);
    return groups;
  }

  function createGroup(args: ExecutionArgs, done: OperationContext['release']): Group {
    const retrying = new Map<unknown, Promise<ExecutionResult>>();
    let over = false;

    async function attempt(entry: unknown): Promise<ExecutionResult> {
      const result = await execute({ ...args, rootValue: entry });
      const passing = result.errors?.find(isTransient);
      if (passing !== undefined) throw passing;
      return result;
    }

    return {
      /** All who wait for an entry wait for the same attempts. */
      answer(entry) {
        const known = retrying.get(entry);
        if (known !== undefined) return known;
        const answering = retryTransient(() => attempt(entry), { isOver: () => over, retryForMs });
        retrying.set(entry, answering);
        const settled = () => void retrying.delete(entry);
        answering.then(settled, settled);
        return answering;
      },
      press: {
        // Once: while one document fails, others are not to wait for it.
        make: async (change) => createFrame(JSON.stringify(toPayload(await attempt(change)))),
      },
      async leave() {
        over = true;
        await done();
      },
    };
  }

  return async (opened) => {
    const { args, view, context } = opened;
    if (view === null) return createGroup(args, context.release);
    const groups = groupsOf(args.document);
    const key = keyOf(view, opened);
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

function keyOf(view: string, { args, operation }: Opened): string {
  const variables = args.variableValues ?? {};
  const telling = variablesBelowRoot(args.document, operation);
  const values = telling.map((name) => [name, variables[name]]);
  return JSON.stringify([view, operation.name?.value, Object.fromEntries(values)]);
}

/** Names of the variables that are used anywhere but in an argument of a root field. */
function variablesBelowRoot(
  document: DocumentNode,
  { selectionSet: { selections } }: OperationDefinitionNode,
): readonly string[] {
  const choosing = new Set<unknown>(
    selections.flatMap((field) => (field.kind === 'Field' ? (field.arguments ?? []) : [])),
  );
  const names = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Argument: (argument) => (choosing.has(argument) ? false : undefined),
    Variable({ name }) {
      names.add(name.value);
    },
  });
  return [...names].sort();
}
