/** The list of levels, and fields of a user level that load other types. */

import { Arg, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import type { ProviderId } from '../../domain/level';
import { ProviderEnum } from '../enums/provider.enum';
import type { Context } from '../request/context';
import { loadAttempt, VerificationAttempt } from '../types/attempt.type';
import { Level, loadLevel } from '../types/level.type';
import { UserLevel } from '../types/user-level.type';

@Resolver()
export class LevelResolver {
  @Query(() => [Level], {
    description:
      'Levels with at least one attempt, ordered by name. For an end user, only the levels of their own attempts.',
  })
  async levels(
    @Arg('provider', () => ProviderEnum, {
      nullable: true,
      description: 'Only levels of this provider.',
    })
    provider: ProviderId | null | undefined,
    @Ctx() context: Context,
  ): Promise<readonly Level[]> {
    context.visibility.assertCanRead();
    if (context.principal.kind === 'USER') return loadOwnLevels(context, provider ?? null);
    const levels = await context.read.levels(provider ?? null);
    return levels.map((level) => new Level(level));
  }
}

async function loadOwnLevels(
  context: Context,
  provider: ProviderId | null,
): Promise<readonly Level[]> {
  const user = await context.visibility.ownUser();
  const userLevels = user ? await context.loaders.levelsByUser.load(user.id) : [];
  const levels = await Promise.all(userLevels.map((row) => loadLevel(context, row.levelKey)));
  return levels.filter((level) => provider === null || level.provider === provider);
}

@Resolver(() => UserLevel)
export class UserLevelResolver {
  @FieldResolver(() => Level, { description: 'The level.' })
  level(@Root() userLevel: UserLevel, @Ctx() context: Context): Promise<Level> {
    return loadLevel(context, userLevel.levelKey);
  }

  @FieldResolver(() => VerificationAttempt, {
    description: 'The latest attempt of the user at this level.',
  })
  latestAttempt(
    @Root() userLevel: UserLevel,
    @Ctx() context: Context,
  ): Promise<VerificationAttempt | null> {
    return loadAttempt(context, userLevel.latestAttemptId);
  }
}
