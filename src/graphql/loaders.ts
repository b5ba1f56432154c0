/** Batched reads: however many objects ask, one statement answers. Cached for as long as the loaders live. */

import DataLoader from 'dataloader';
import type { Change } from '../domain/change';
import type { Profile } from '../domain/event';
import type { Level, LevelKey } from '../domain/level';
import type {
  AttemptFilter,
  AttemptOrder,
  AttemptRow,
  ChangeFilter,
  ChangeOwner,
  CredentialRow,
  DeliveryRow,
  IdentityRow,
  Page,
  PageOf,
  Reader,
  UserLevelRow,
  UserRow,
} from '../store/store';

export interface Loaders {
  /** Follows merges. */
  readonly user: DataLoader<number, UserRow | null>;
  /** Follows merges. One statement per distinct id: clients ask for one, or for the same one again and again. */
  readonly userByExternalId: DataLoader<string, UserRow | null>;
  readonly attempt: DataLoader<number, AttemptRow | null>;
  readonly delivery: DataLoader<number, DeliveryRow | null>;
  /** By position in the log. */
  readonly change: DataLoader<number, Change | null>;
  readonly level: DataLoader<LevelKey, Level | null>;

  readonly identitiesOf: DataLoader<number, readonly IdentityRow[]>;
  readonly levelsOf: DataLoader<number, readonly UserLevelRow[]>;
  readonly credentialsOf: DataLoader<number, readonly CredentialRow[]>;
  /** Personal data. */
  readonly profileOf: DataLoader<number, Profile | null>;
  /** Personal data. */
  readonly rawBodyOf: DataLoader<number, Buffer | null>;

  /** One loader per distinct set of arguments: each is one statement. */
  attemptsOf(
    filter: AttemptFilter,
    order: AttemptOrder,
    page: Page,
  ): DataLoader<number, PageOf<AttemptRow>>;
  countAttemptsOf(filter: AttemptFilter): DataLoader<number, number>;
  changesOf(
    owner: ChangeOwner,
    page: Page,
    filter: ChangeFilter,
  ): DataLoader<number, PageOf<Change>>;
  countChangesOf(owner: ChangeOwner, filter: ChangeFilter): DataLoader<number, number>;
}

export function createLoaders(read: Reader): Loaders {
  return {
    user: new DataLoader((ids) => read.usersByIds(ids)),
    userByExternalId: new DataLoader((ids) =>
      Promise.all(ids.map((id) => read.userByExternalId(id))),
    ),
    attempt: new DataLoader((ids) => read.attemptsByIds(ids)),
    delivery: new DataLoader((ids) => read.deliveriesByIds(ids)),
    change: new DataLoader((seqs) => read.changesByIds(seqs)),
    level: new DataLoader((keys) => read.levelsByKeys(keys)),

    identitiesOf: new DataLoader((ids) => read.identitiesOf(ids)),
    levelsOf: new DataLoader((ids) => read.levelsOf(ids)),
    credentialsOf: new DataLoader((ids) => read.credentialsOf(ids)),
    profileOf: new DataLoader((ids) => read.profilesOf(ids)),
    rawBodyOf: new DataLoader((ids) => read.rawBodiesOf(ids)),

    attemptsOf: perArguments(
      (filter, order, page) => new DataLoader((ids) => read.attemptsOf(ids, filter, order, page)),
    ),
    countAttemptsOf: perArguments(
      (filter) => new DataLoader((ids) => read.countAttemptsOf(ids, filter)),
    ),
    changesOf: perArguments(
      (owner, page, filter) => new DataLoader((ids) => read.changesOf(owner, ids, page, filter)),
    ),
    countChangesOf: perArguments(
      (owner, filter) => new DataLoader((ids) => read.countChangesOf(owner, ids, filter)),
    ),
  };
}

/** Remembers what `create` made for equal arguments. They are plain data, built in one place: equal ones print equal. */
function perArguments<Args extends readonly unknown[], Loader>(
  create: (...args: Args) => Loader,
): (...args: Args) => Loader {
  const made = new Map<string, Loader>();
  return (...args) => {
    const key = JSON.stringify(args);
    const loader = made.get(key) ?? create(...args);
    made.set(key, loader);
    return loader;
  };
}
