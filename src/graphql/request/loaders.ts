/**
 * Batched reads: one statement loads the values for all objects of a response. Values are cached for the life of the
 * loaders. Personal data is excluded; see `personal-reads.ts`.
 */

import DataLoader from 'dataloader';
import type { AuditEntry } from '../../domain/audit';
import type { Change } from '../../domain/change';
import type { Level, LevelKey, ProviderId } from '../../domain/level';
import type {
  AttemptFilter,
  AttemptOrder,
  ChangeFilter,
  ChangeOwner,
  Page,
  PageOf,
  UserLevelFilter,
  UserLevelPage,
} from '../../store/read/filters';
import type {
  AttemptRow,
  CredentialRow,
  DeliveryRow,
  IdentityRow,
  Reader,
  Silence,
  UserLevelRow,
  UserRow,
} from '../../store/read/reader';

export interface Loaders {
  /** Follows merges. */
  readonly user: DataLoader<number, UserRow | null>;
  /** Follows merges. One statement per distinct ID, because operations rarely contain several. */
  readonly userByExternalId: DataLoader<string, UserRow | null>;
  readonly attempt: DataLoader<number, AttemptRow | null>;
  readonly delivery: DataLoader<number, DeliveryRow | null>;
  /** Key: position in the log. */
  readonly change: DataLoader<number, Change | null>;
  readonly auditEntry: DataLoader<number, AuditEntry | null>;
  readonly level: DataLoader<LevelKey, Level | null>;
  /** Two statements per provider. */
  readonly silence: DataLoader<ProviderId, Silence>;

  readonly identitiesByUser: DataLoader<number, readonly IdentityRow[]>;
  /** All levels of a user, for the evaluation of the policy. Responses use pages. */
  readonly levelsByUser: DataLoader<number, readonly UserLevelRow[]>;
  readonly credentialsByUser: DataLoader<number, readonly CredentialRow[]>;

  /** One loader, and so one statement, per distinct set of arguments. */
  attemptsByUser(
    filter: AttemptFilter,
    order: AttemptOrder,
    page: Page,
  ): DataLoader<number, PageOf<AttemptRow>>;
  attemptCountByUser(filter: AttemptFilter): DataLoader<number, number>;
  levelPageByUser(
    filter: UserLevelFilter,
    page: UserLevelPage,
  ): DataLoader<number, readonly UserLevelRow[]>;
  levelCountByUser(filter: UserLevelFilter): DataLoader<number, number>;
  changesByOwner(
    owner: ChangeOwner,
    page: Page,
    filter: ChangeFilter,
  ): DataLoader<number, PageOf<Change>>;
  changeCountByOwner(owner: ChangeOwner, filter: ChangeFilter): DataLoader<number, number>;
}

/** @param loadSilence - Reads the silence of a provider. */
export function createLoaders(
  read: Reader,
  loadSilence: (provider: ProviderId) => Promise<Silence>,
): Loaders {
  return {
    user: new DataLoader((ids) => read.usersByIds(ids)),
    userByExternalId: new DataLoader((ids) =>
      Promise.all(ids.map((id) => read.userByExternalId(id))),
    ),
    attempt: new DataLoader((ids) => read.attemptsByIds(ids)),
    delivery: new DataLoader((ids) => read.deliveriesByIds(ids)),
    change: new DataLoader((seqs) => read.changesByIds(seqs)),
    auditEntry: new DataLoader((seqs) => read.auditEntriesByIds(seqs)),
    level: new DataLoader((keys) => read.levelsByKeys(keys)),
    silence: new DataLoader((providers) => Promise.all(providers.map(loadSilence))),

    identitiesByUser: new DataLoader((ids) => read.identitiesOf(ids)),
    levelsByUser: new DataLoader((ids) => read.levelsOf(ids)),
    credentialsByUser: new DataLoader((ids) => read.credentialsOf(ids)),

    attemptsByUser: memoizeByArguments(
      (filter, order, page) => new DataLoader((ids) => read.attemptsOf(ids, filter, order, page)),
    ),
    attemptCountByUser: memoizeByArguments(
      (filter) => new DataLoader((ids) => read.countAttemptsOf(ids, filter)),
    ),
    levelPageByUser: memoizeByArguments(
      (filter, page) => new DataLoader((ids) => read.levelPagesOf(ids, filter, page)),
    ),
    levelCountByUser: memoizeByArguments(
      (filter) => new DataLoader((ids) => read.countLevelsOf(ids, filter)),
    ),
    changesByOwner: memoizeByArguments(
      (owner, page, filter) => new DataLoader((ids) => read.changesOf(owner, ids, page, filter)),
    ),
    changeCountByOwner: memoizeByArguments(
      (owner, filter) => new DataLoader((ids) => read.countChangesOf(owner, ids, filter)),
    ),
  };
}

/** Memoizes `create` by its arguments. Arguments are plain data, so equal ones have equal JSON. */
function memoizeByArguments<Args extends readonly unknown[], Loader>(
  create: (...args: Args) => Loader,
): (...args: Args) => Loader {
  const loaders = new Map<string, Loader>();
  return (...args) => {
    const key = JSON.stringify(args);
    const loader = loaders.get(key) ?? create(...args);
    loaders.set(key, loader);
    return loader;
  };
}
