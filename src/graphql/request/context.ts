/** Context of an operation: the caller, the parts of the gateway, and one view of the data. */

import type { Principal } from '../../access/principal';
import type { Reading, StoredDelivery } from '../../domain/delivery';
import type { EndUserReasons } from '../../domain/end-user-reasons';
import type { ProviderId } from '../../domain/level';
import type { SilenceRule } from '../../domain/monitoring';
import type { Policy } from '../../domain/policy';
import type { Feed } from '../../feed/feed';
import type { OpenAttempts, Reader } from '../../store/read/reader';
import type { Store } from '../../store/store';
import { createPersonalReads, type PersonalReads } from '../access/personal-reads';
import { createVisibility, type Visibility } from '../access/visibility';
import type { ProviderListing } from '../enums/provider.enum';
import { createLoaders, type Loaders } from './loaders';

/** Dependencies of a context. */
export interface ContextOptions {
  readonly principal: Principal;
  /** View of the data. For a query, one snapshot for the whole operation. */
  readonly read: Reader;
  readonly store: Store;
  readonly feed: Feed;
  readonly policy: Policy;
  /** Reasons that end users see about themselves. */
  readonly endUserReasons: EndUserReasons;
  /** All providers of the registry: the list from which the schema was built. */
  readonly providers: readonly ProviderListing[];
  /** Providers with a webhook secret. */
  readonly configured: ReadonlySet<ProviderId>;
  /** Parses a stored delivery with the current adapters. */
  readonly reread: (delivery: StoredDelivery) => Reading;
  /** Rule for the silence of a provider. */
  readonly silenceRule: SilenceRule;
  /** Counts of open attempts of all providers, at most a few minutes old. */
  readonly openAttempts: () => Promise<readonly OpenAttempts[]>;
  readonly now: () => Date;
}

/** Created per operation and never shared, because it caches data and permissions of the viewer. */
export interface Context extends ContextOptions {
  readonly loaders: Loaders;
  readonly personal: PersonalReads;
  readonly visibility: Visibility;

  /**
   * Replaces the view with the current data. Later reads see the effects of a mutation, or the data of the next item of a
   * subscription. Mutations and items run one after the other, so no resolver reads from two views.
   */
  refresh(): void;
}

export function createContext(parts: ContextOptions): Context {
  let view = createView(parts, parts.read);
  return {
    ...parts,
    get read() {
      return view.read;
    },
    get loaders() {
      return view.loaders;
    },
    get personal() {
      return view.personal;
    },
    get visibility() {
      return view.visibility;
    },
    refresh() {
      view = createView(parts, parts.store.read);
    },
  };
}

type View = Pick<Context, 'read' | 'loaders' | 'personal' | 'visibility'>;

function createView(parts: ContextOptions, read: Reader): View {
  const { principal, store, endUserReasons, silenceRule, now } = parts;
  const visibility = createVisibility(principal, read, endUserReasons);
  let loaders: Loaders | undefined;
  let personal: PersonalReads | undefined;
  return {
    read,
    visibility,
    get personal() {
      personal ??= createPersonalReads({ read, audit: store.audit, visibility, now });
      return personal;
    },
    get loaders() {
      // Created on first use: there are many loaders, and few operations need them.
      loaders ??= createLoaders(read, (id) => read.silence(id, now(), silenceRule));
      return loaders;
    },
  };
}
