/** Personal data of a user. Requires the `pii:read` scope. */

import { Field, ObjectType } from 'type-graphql';
import type { Profile as DomainProfile } from '../../domain/event';
import { Personal } from '../request/personal';

@ObjectType({
  description: 'Personal data of a user: the latest value of each field across providers.',
})
export class Profile {
  @Personal()
  @Field(() => String, {
    nullable: true,
    description: 'Full name, as the provider sent it. Null if unknown.',
  })
  readonly fullName: string | null;

  @Personal()
  @Field(() => String, {
    nullable: true,
    description: 'Age in years, as the provider sent it. Null if unknown.',
  })
  readonly age: string | null;

  @Personal()
  @Field(() => String, {
    nullable: true,
    description: 'Email address, as the provider sent it. Null if unknown.',
  })
  readonly email: string | null;

  constructor(profile: DomainProfile) {
    this.fullName = profile.fullName ?? null;
    this.age = profile.age ?? null;
    this.email = profile.email ?? null;
  }
}
