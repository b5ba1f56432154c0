/** Who is asking. */

import { Field, ObjectType } from 'type-graphql';
import type { Principal } from '../../access/principal';
import { literalEnum } from '../enums/literal-enum';

const ViewerKindEnum = literalEnum<Principal['kind']>(
  'ViewerKind',
  'What sort of viewer is asking.',
  {
    API_KEY: 'A service or an operator, by API key.',
    USER: 'An end user, by token: sees what is their own.',
  },
);

@ObjectType({ description: 'Who is asking.' })
export class Viewer {
  @Field(() => ViewerKindEnum, { description: 'What sort of viewer it is.' })
  readonly kind: Principal['kind'];

  @Field(() => String, { description: "Name of the API key; an end user's `externalUserId`." })
  readonly name: string;

  @Field(() => [String], {
    description:
      'What the viewer may do: `read`, `operate`, `pii:read`, `audit:read`, `metrics`, `erase`.',
  })
  readonly scopes: readonly string[];

  constructor(principal: Principal) {
    this.kind = principal.kind;
    this.name = principal.kind === 'API_KEY' ? principal.name : principal.externalUserId;
    this.scopes = [...principal.scopes].sort();
  }
}
