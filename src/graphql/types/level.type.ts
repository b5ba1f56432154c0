/** A verification level: a provider and a name. */

import { Field, ObjectType } from 'type-graphql';
import {
  type Level as DomainLevel,
  type LevelKey,
  type LevelKind,
  levelKey,
  type ProviderId,
  splitLevelKey,
} from '../../domain/level';
import { ProviderEnum } from '../enums/provider.enum';
import { LevelKindEnum } from '../enums/status.enum';
import type { Context } from '../request/context';

@ObjectType({ description: 'A verification level of a provider.' })
export class Level {
  @Field(() => String, {
    description:
      'Provider and name, for example `sumsub/basic-kyc-level`. Filters and the policy use this key.',
  })
  readonly key: LevelKey;

  @Field(() => ProviderEnum, { description: 'The provider of the level.' })
  readonly provider: ProviderId;

  @Field(() => String, { description: 'Name of the level, as the provider sends it.' })
  readonly name: string;

  @Field(() => LevelKindEnum, { description: 'Kind of the level.' })
  readonly kind: LevelKind;

  constructor(level: DomainLevel) {
    this.key = levelKey(level.provider, level.name);
    this.provider = level.provider;
    this.name = level.name;
    this.kind = level.kind;
  }
}

/** Loads a level by key, batched. A level that only the policy mentions is returned with kind LEVEL. */
export async function loadLevel(context: Context, key: LevelKey): Promise<Level> {
  const level = await context.loaders.level.load(key);
  return new Level(level ?? { ...splitLevelKey(key), kind: 'LEVEL' });
}
