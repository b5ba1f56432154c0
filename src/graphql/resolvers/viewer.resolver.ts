/** Who is asking. Open to everybody who is let in at all. */

import { Ctx, FieldResolver, Query, Resolver } from 'type-graphql';
import type { Context } from '../request/context';
import { User } from '../types/user.type';
import { Viewer } from '../types/viewer.type';

@Resolver(() => Viewer)
export class ViewerResolver {
  @Query(() => Viewer, { description: 'Who is asking, and what they may do.' })
  viewer(@Ctx() context: Context): Viewer {
    return new Viewer(context.principal);
  }

  @FieldResolver(() => User, {
    nullable: true,
    description: 'For an end user: their user, once the gateway has heard of them. Else null.',
  })
  async user(@Ctx() context: Context): Promise<User | null> {
    const row = await context.visibility.self();
    return row && new User(row);
  }
}
