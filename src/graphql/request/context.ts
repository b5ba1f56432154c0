/** What resolvers work with: who is asking, the parts of the gateway, and one view of the data. */

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

/** What the caller of an operation hands over. */
export interface ContextOptions {
  readonly principal: Principal;
  /** The view on which a query is answered: a snapshot for its whole length. */
  readonly read: Reader;
  readonly store: Store;
  readonly feed: Feed;
  readonly policy: Policy;
  /** Which reasons end users see about themselves. */
  readonly endUserReasons: EndUserReasons;
  /** Every vendor of the registry, the same list as the schema was built from. */
  readonly providers: readonly ProviderListing[];
  /** The vendors that this gateway serves: those with a secret. */
  readonly configured: ReadonlySet<ProviderId>;
  /** Reads a kept delivery as the adapters understand it now. */
  readonly reread: (delivery: StoredDelivery) => Reading;
  /** How long a vendor may say nothing. */
  readonly silenceRule: SilenceRule;
  /** The open attempts of all vendors, counted a few minutes ago at most. */
  readonly openAttempts: () => Promise<readonly OpenAttempts[]>;
  readonly now: () => Date;
}

/** One per operation, never shared: it holds caches, and what the viewer may see. */
export interface Context extends ContextOptions {
  readonly loaders: Loaders;
  readonly personal: PersonalReads;
  readonly visibility: Visibility;
  /**
   * Moves on to what is committed by now: reads from here on see what a mutation has just written, or the data of the
   * next item of a subscription. Mutations run one after the other and items too, so nobody is left between two views.
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
      loaders ??= createLoaders(read, (id) => read.silence(id, now(), silenceRule)); // there are many, and not everybody needs them
      return loaders;
    },
  };
}
