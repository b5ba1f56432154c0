/** From what a user holds at a level to the level and the attempt. */

import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import { loadAttempt, VerificationAttempt } from './attempt.type';
import type { Context } from './context';
import { Level, loadLevel } from './level.type';
import { UserLevel } from './user-level.type';

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
