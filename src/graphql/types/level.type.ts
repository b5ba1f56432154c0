/** What is verified: a provider and a name. */

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

@ObjectType({ description: 'What is verified: a level of a provider.' })
export class Level {
  @Field(() => String, {
    description:
      'Provider and name, e.g. `sumsub/basic-kyc-level`: how filters and the policy name the level.',
  })
  readonly key: LevelKey;

  @Field(() => ProviderEnum, { description: 'The vendor whose level it is.' })
  readonly provider: ProviderId;

  @Field(() => String, { description: 'Its name at the vendor, as sent.' })
  readonly name: string;

  @Field(() => LevelKindEnum, { description: 'What sort of level it is.' })
  readonly kind: LevelKind;

  constructor(level: DomainLevel) {
    this.key = levelKey(level.provider, level.name);
    this.provider = level.provider;
    this.name = level.name;
    this.kind = level.kind;
  }
}

/** The level of this key, batched. A level that only the policy names, and nobody has been seen at, is a plain one. */
export async function loadLevel(context: Context, key: LevelKey): Promise<Level> {
  const known = await context.loaders.level.load(key);
  return new Level(known ?? { ...splitLevelKey(key), kind: 'LEVEL' });
}
