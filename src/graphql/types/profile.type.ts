/** Personal data of a user. Only for who holds the scope `pii:read`. */

import { Field, ObjectType } from 'type-graphql';
import type { Profile as DomainProfile } from '../../domain/event';
import { Personal } from '../request/personal';

@ObjectType({ description: 'Personal data: the latest word on each field, over all vendors.' })
export class Profile {
  @Personal()
  @Field(() => String, { nullable: true, description: 'Full name, as the vendor wrote it.' })
  readonly fullName: string | null;

  @Personal()
  @Field(() => String, { nullable: true, description: 'Age in years, as the vendor wrote it.' })
  readonly age: string | null;

  @Personal()
  @Field(() => String, { nullable: true, description: 'E-mail address, as the vendor wrote it.' })
  readonly email: string | null;

  constructor(profile: DomainProfile) {
    this.fullName = profile.fullName ?? null;
    this.age = profile.age ?? null;
    this.email = profile.email ?? null;
  }
}
