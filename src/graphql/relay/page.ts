/** Arguments of every connection. */

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
      'Maximum number of entries from the start, 1 to 100. Default: 20 if you set neither `first` nor `last`.',
  })
  readonly first?: number | null;

  @Field(() => String, { nullable: true, description: 'Only entries after this cursor.' })
  readonly after?: string | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'Maximum number of entries from the end, 1 to 100, in the same order. Cannot be combined with `first`.',
  })
  readonly last?: number | null;

  @Field(() => String, { nullable: true, description: 'Only entries before this cursor.' })
  readonly before?: string | null;
}

/** @throws {GatewayError} INPUT_INVALID if a size is out of range, or both sizes are set. */
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
