/** The explanation of a user's status, from the user's levels and the policy. */

import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import { toDate } from '../../domain/instant';
import { type LevelKey, splitLevelKey } from '../../domain/level';
import { evaluate, type LevelResult } from '../../domain/policy';
import type { UserLevelRow } from '../../store/read/reader';
import type { Context } from '../request/context';
import { loadAttempt, VerificationAttempt } from '../types/attempt.type';
import { Level, loadLevel } from '../types/level.type';
import { User } from '../types/user.type';
import {
  MAX_LISTED_LEVELS,
  MissingLevel,
  MissingLevels,
  Verification,
  VerificationReason,
} from '../types/verification.type';

@Resolver(() => User)
export class UserVerificationResolver {
  @FieldResolver(() => Verification, {
    description:
      'The status with its explanation: since when, until when, because of which levels, and which levels are missing.',
  })
  async verification(@Root() user: User, @Ctx() context: Context): Promise<Verification> {
    const rows = await context.loaders.levelsByUser.load(user.key);
    const verdict = evaluate(context.policy, rows.map(toLevelResult));
    const rowByKey = new Map(rows.map((row) => [row.levelKey, row]));
    const toReason = (key: LevelKey) => {
      const row = rowByKey.get(key);
      return row ? [new VerificationReason(row)] : [];
    };
    const toMissing = (key: LevelKey) => new MissingLevel(key, rowByKey.get(key));
    return new Verification({
      status: verdict.status,
      since: verdict.since === null ? user.createdAt : toDate(verdict.since),
      expiresAt: verdict.expiresAt,
      because: verdict.because.slice(0, MAX_LISTED_LEVELS).flatMap(toReason),
      missing: verdict.missing.slice(0, MAX_LISTED_LEVELS).map(toMissing),
      missingCount: verdict.missing.length,
      // A partial list of an alternative would be wrong: its levels would not suffice.
      alternatives: verdict.alternatives
        .filter((keys) => keys.length <= MAX_LISTED_LEVELS)
        .map((keys) => new MissingLevels(keys.map(toMissing))),
      // Hidden from end users, because it reveals a suspicion of fraud or money laundering.
      blockedBy: context.visibility.canSeeAllReasons
        ? verdict.blockedBy.slice(0, MAX_LISTED_LEVELS).flatMap(toReason)
        : [],
    });
  }
}

@Resolver(() => VerificationReason)
export class VerificationReasonResolver {
  @FieldResolver(() => Level, { description: 'The level.' })
  level(@Root() reason: VerificationReason, @Ctx() context: Context): Promise<Level> {
    return loadLevel(context, reason.levelKey);
  }

  @FieldResolver(() => VerificationAttempt, {
    nullable: true,
    description: 'The latest attempt of the user at this level.',
  })
  attempt(
    @Root() reason: VerificationReason,
    @Ctx() context: Context,
  ): Promise<VerificationAttempt | null> {
    return loadAttempt(context, reason.attemptId);
  }
}

@Resolver(() => MissingLevel)
export class MissingLevelResolver {
  @FieldResolver(() => Level, { description: 'The level.' })
  level(@Root() missing: MissingLevel, @Ctx() context: Context): Promise<Level> {
    return loadLevel(context, missing.levelKey);
  }

  @FieldResolver(() => VerificationAttempt, {
    nullable: true,
    description: 'The latest attempt of the user at this level. Null if the user has no attempt.',
  })
  async attempt(
    @Root() missing: MissingLevel,
    @Ctx() context: Context,
  ): Promise<VerificationAttempt | null> {
    return missing.attemptId === null ? null : loadAttempt(context, missing.attemptId);
  }
}

function toLevelResult(row: UserLevelRow): LevelResult {
  return { ...row, provider: splitLevelKey(row.levelKey).provider };
}
