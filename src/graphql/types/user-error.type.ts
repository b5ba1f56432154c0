/** Failures that a mutation expects, as data. */

import { Field, ObjectType } from 'type-graphql';
import { literalEnum } from '../enums/literal-enum';

export type UserErrorCode =
  | 'EXTERNAL_USER_ID_INVALID'
  | 'KIND_MISMATCH'
  | 'REASON_INVALID'
  | 'SELECTION_MISSING'
  | 'TARGET_INVALID'
  | 'USER_ERASED'
  | 'USER_NOT_FOUND';

const UserErrorCodeEnum = literalEnum<UserErrorCode>(
  'UserErrorCode',
  'Why a mutation did nothing. Stable.',
  {
    EXTERNAL_USER_ID_INVALID: 'The external id is empty or longer than 255 characters.',
    KIND_MISMATCH: 'One account is that of a person, the other that of a company.',
    REASON_INVALID: 'The reason is empty or longer than 200 characters.',
    SELECTION_MISSING: 'Nothing says which deliveries are meant.',
    TARGET_INVALID: 'Not exactly one target was given.',
    USER_ERASED: 'The user was erased: nothing about them changes any more.',
    USER_NOT_FOUND: 'There is no such user.',
  },
);

@ObjectType({ description: 'Why a mutation did nothing.' })
export class UserError {
  @Field(() => UserErrorCodeEnum, { description: 'Stable, for programs.' })
  readonly code: UserErrorCode;

  @Field(() => String, { description: 'For people; may change.' })
  readonly message: string;

  @Field(() => [String], { description: 'The input field at fault, e.g. `["input", "userId"]`.' })
  readonly path: readonly string[];

  constructor(code: UserErrorCode, message: string, path: readonly string[]) {
    this.code = code;
    this.message = message;
    this.path = path;
  }
}

/** What the answers of all mutations have in common. */
@ObjectType()
export abstract class MutationPayload {
  @Field(() => [UserError], { description: 'Why nothing was done; empty if it was.' })
  readonly userErrors: readonly UserError[];

  constructor(userErrors: readonly UserError[]) {
    this.userErrors = userErrors;
  }
}
