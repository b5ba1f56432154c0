/** The authenticated caller. */

import { Field, ObjectType } from 'type-graphql';
import type { Principal } from '../../access/principal';
import { literalEnum } from '../enums/literal-enum';

const ViewerKindEnum = literalEnum<Principal['kind']>('ViewerKind', 'Kind of caller.', {
  API_KEY: 'A service or an operator with an API key.',
  USER: 'An end user with a token. Sees only their own data.',
});

@ObjectType({ description: 'The authenticated caller.' })
export class Viewer {
  @Field(() => ViewerKindEnum, { description: 'Kind of caller.' })
  readonly kind: Principal['kind'];

  @Field(() => String, { description: 'Name of the API key, or `externalUserId` of the end user.' })
  readonly name: string;

  @Field(() => [String], {
    description:
      'Scopes of the caller: `read`, `operate`, `pii:read`, `audit:read`, `metrics`, `erase`.',
  })
  readonly scopes: readonly string[];

  constructor(principal: Principal) {
    this.kind = principal.kind;
    this.name = principal.kind === 'API_KEY' ? principal.name : principal.externalUserId;
    this.scopes = [...principal.scopes].sort();
  }
}
