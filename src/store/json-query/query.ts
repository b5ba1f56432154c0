/** A query over users and attempts that one statement answers, as JSON. */

import type { LogPosition } from '../../domain/cursor';
import type { ReasonCode } from '../../domain/event';
import type { ProviderId } from '../../domain/level';
import type {
  AttemptFilter,
  AttemptOrder,
  Page,
  UserFilter,
  UserLevelFilter,
  UserLevelPage,
  UserOrder,
} from '../read/filters';

export interface JsonQuery {
  /** Root fields. All are read from one snapshot. */
  readonly roots: readonly JsonQueryNode[];
  /** External ID of the user whose data alone is visible. `null` for all users. */
  readonly viewer: string | null;
  /** Codes of the visible reasons. Free text of the provider is then hidden. `null` for all reasons, with free text. */
  readonly reasonCodes: readonly ReasonCode[] | null;
}

/** A field of the result. */
export interface JsonQueryNode {
  /** Key in the result. */
  readonly as: string;
  /** Name of a field in `JSON_QUERY_FIELDS`, or a constant text. */
  readonly name: string | { readonly text: string };
  /** Fields of the value, if it is an object or a list of objects. */
  readonly fields?: readonly JsonQueryNode[];
  readonly choice?: JsonQuerySelection;
}

/** Supported fields, by GraphQL type. */
export type JsonQueryFields = Readonly<Record<string, ReadonlySet<string>>>;

/** Rows that a field selects. */
export type JsonQuerySelection =
  | { readonly of: 'user'; readonly by: UserKey }
  | {
      readonly of: 'users';
      readonly filter: UserFilter;
      readonly order: UserOrder;
      readonly page: ForwardPage;
    }
  | {
      readonly of: 'attempts';
      readonly filter: AttemptFilter;
      readonly order: AttemptOrder;
      readonly page: ForwardPage;
    }
  | { readonly of: 'levels'; readonly filter: UserLevelFilter; readonly page: UserLevelPage }
  | { readonly of: 'levelCount'; readonly filter: UserLevelFilter };

export type UserKey =
  | { readonly id: number }
  | { readonly externalUserId: string }
  | { readonly provider: ProviderId; readonly ref: string };

export type ForwardPage = Page & { readonly first: number; readonly last?: never };

/** Public form of the IDs, providers and log positions in the rows. */
export interface Encoding {
  id(type: 'User' | 'VerificationAttempt' | 'Identity', id: number): string;
  provider(id: ProviderId): string;
  cursor(position: LogPosition): string;
}
