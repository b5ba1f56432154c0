/** Questions of any depth about users and attempts, and how their answers are spelled. */

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

/** What one statement can answer: the whole tree below one or more roots, on one view of the data. */
export interface JsonQuery {
  /** `cursor`, `user`, `users`, `verificationAttempts`. */
  readonly roots: readonly JsonQueryNode[];
  /** Whose own things alone are to be told, by external id; `null`: everybody's. */
  readonly viewer: string | null;
  /** Codes of the reasons that the viewer sees, who sees no words of the provider then; `null`: all, and its words. */
  readonly reasonCodes: readonly ReasonCode[] | null;
}

/** A field of the answer. */
export interface JsonQueryNode {
  /** Its name in the answer. */
  readonly as: string;
  /** What it holds: a name of `tree-fields.ts`, or a text that stands for itself. */
  readonly name: string | { readonly text: string };
  /** The fields of what it holds, where that has fields. */
  readonly fields?: readonly JsonQueryNode[];
  readonly choice?: JsonQuerySelection;
}

/** Which things a field is about. */
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

/** How what is a number or a slug in rows is published. */
export interface Encoding {
  id(kind: 'User' | 'VerificationAttempt' | 'Identity', key: number): string;
  provider(id: ProviderId): string;
  /** Position in the change log. */
  cursor(position: LogPosition): string;
}
