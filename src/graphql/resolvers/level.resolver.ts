/** The levels seen so far. */

import { Arg, Ctx, Query, Resolver } from 'type-graphql';
import type { ProviderId } from '../../domain/level';
import { ProviderEnum } from '../enums/provider.enum';
import type { Context } from '../request/context';
import { Level, loadLevel } from '../types/level.type';

@Resolver()
export class LevelResolver {
  @Query(() => [Level], {
    description: 'The levels seen so far, by name. An end user is shown the levels of their own.',
  })
  async levels(
    @Arg('provider', () => ProviderEnum, {
      nullable: true,
      description: 'Only those of this vendor.',
    })
    provider: ProviderId | null | undefined,
    @Ctx() context: Context,
  ): Promise<readonly Level[]> {
    context.visibility.assertReads();
    if (context.principal.kind === 'USER') return ownLevels(context, provider ?? null);
    const levels = await context.read.levels(provider ?? null);
    return levels.map((level) => new Level(level));
  }
}

async function ownLevels(context: Context, provider: ProviderId | null): Promise<readonly Level[]> {
  const user = await context.visibility.self();
  const held = user ? await context.loaders.levelsOf.load(user.id) : [];
  const levels = await Promise.all(held.map((row) => loadLevel(context, row.levelKey)));
  return levels.filter((level) => provider === null || level.provider === provider);
}
