/** Expected failures of mutations, returned as data. */

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
  'Stable code of an expected failure of a mutation.',
  {
    EXTERNAL_USER_ID_INVALID: 'The external user ID is empty or longer than 255 characters.',
    KIND_MISMATCH:
      'The identity and the user differ in kind: one is a person, the other a company.',
    REASON_INVALID: 'The reason is empty or longer than 200 characters.',
    SELECTION_MISSING: 'No condition selects deliveries.',
    TARGET_INVALID: 'The input does not contain exactly one target.',
    USER_ERASED: 'The user was erased and can no longer be changed.',
    USER_NOT_FOUND: 'The user does not exist.',
  },
);

@ObjectType({ description: 'An expected failure of a mutation. The mutation had no effect.' })
export class UserError {
  @Field(() => UserErrorCodeEnum, { description: 'Stable code.' })
  readonly code: UserErrorCode;

  @Field(() => String, { description: 'Message for people; may change.' })
  readonly message: string;

  @Field(() => [String], {
    description: 'Path of the invalid input field, for example `["input", "userId"]`.',
  })
  readonly path: readonly string[];

  constructor(code: UserErrorCode, message: string, path: readonly string[]) {
    this.code = code;
    this.message = message;
    this.path = path;
  }
}

/** Base of the payloads of all mutations. */
@ObjectType()
export abstract class MutationPayload {
  @Field(() => [UserError], { description: 'Expected failures. Empty if the mutation succeeded.' })
  readonly userErrors: readonly UserError[];

  constructor(userErrors: readonly UserError[]) {
    this.userErrors = userErrors;
  }
}
