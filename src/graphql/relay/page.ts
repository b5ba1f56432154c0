/** The arguments that every connection takes. */

import { ArgsType, Field, Int } from 'type-graphql';
import { GatewayError } from '../../domain/errors';
import type { Page } from '../../store/read/filters';
import { omitNullish } from './omit-nullish';

export const DEFAULT_PAGE_SIZE = 20;
export const MAX_PAGE_SIZE = 100;

@ArgsType()
export class PageArgs {
  @Field(() => Int, {
    nullable: true,
    description:
      'At most this many from the start, 1 to 100; 20 if neither `first` nor `last` is given.',
  })
  readonly first?: number | null;

  @Field(() => String, { nullable: true, description: 'Only what follows this cursor.' })
  readonly after?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'At most this many from the end, 1 to 100, in the same order. Not with `first`.',
  })
  readonly last?: number | null;

  @Field(() => String, { nullable: true, description: 'Only what precedes this cursor.' })
  readonly before?: string | null;
}

/** @throws {GatewayError} INPUT_INVALID if a size is out of range or both are given. */
export function toPage(args: PageArgs): Page {
  const { first, last, after, before } = omitNullish(args);
  if (first !== undefined && last !== undefined) {
    throw new GatewayError('INPUT_INVALID', 'Provide `first` or `last`, not both.');
  }
  const size = last === undefined ? { first: first ?? DEFAULT_PAGE_SIZE } : { last };
  assertSize('first', first);
  assertSize('last', last);
  return { ...size, ...omitNullish({ after, before }) };
}

function assertSize(name: string, size: number | undefined): void {
  if (size === undefined || (size >= 1 && size <= MAX_PAGE_SIZE)) return;
  throw new GatewayError('INPUT_INVALID', `\`${name}\` must be from 1 to ${MAX_PAGE_SIZE}.`);
}
