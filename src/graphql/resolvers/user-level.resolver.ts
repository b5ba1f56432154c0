/** From what a user holds at a level to the level and the attempt. */

import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Context } from '../request/context';
import { loadAttempt, VerificationAttempt } from '../types/attempt.type';
import { Level, loadLevel } from '../types/level.type';
import { UserLevel } from '../types/user-level.type';

@Resolver(() => UserLevel)
export class UserLevelResolver {
  @FieldResolver(() => Level, { description: 'The level.' })
  level(@Root() held: UserLevel, @Ctx() context: Context): Promise<Level> {
    return loadLevel(context, held.levelKey);
  }

  @FieldResolver(() => VerificationAttempt, {
    description: 'The latest attempt of the user at this level.',
  })
  latestAttempt(
    @Root() held: UserLevel,
    @Ctx() context: Context,
  ): Promise<VerificationAttempt | null> {
    return loadAttempt(context, held.latestAttemptId);
  }
}
