/** Puts out whom we let in once: keys are revoked and tokens run out while connections live on. */

import type { Logger } from 'pino';
import type { Authenticator } from '../access/authenticator';
import type { Principal } from '../access/principal';

export interface Revalidation {
  /** @param onLapse - Called once if the credentials no longer hold. @returns a function that ends the watch. */
  watch(principal: Principal, onLapse: () => void): () => void;
  stop(): void;
}

export interface RevalidationOptions {
  readonly authenticator: Pick<Authenticator, 'lapsed'>;
  readonly everyMs: number;
  readonly log: Pick<Logger, 'error'>;
}

/** Asks once a round for all who are watched, however many; a round that fails is made up for by the next. */
export function createRevalidation(options: RevalidationOptions): Revalidation {
  const { authenticator, everyMs, log } = options;
  const watched = new Map<
    symbol,
    { readonly principal: Principal; readonly onLapse: () => void }
  >();
  let asking = false;

  async function round(): Promise<void> {
    if (asking || watched.size === 0) return;
    asking = true;
    try {
      const entries = [...watched];
      const lapsed = await authenticator.lapsed(entries.map(([, { principal }]) => principal));
      for (const [key, { principal, onLapse }] of entries) {
        if (lapsed.has(principal) && watched.delete(key)) onLapse();
      }
    } catch (err) {
      log.error({ err }, 'live connections could not be revalidated');
    } finally {
      asking = false;
    }
  }

  const timer = setInterval(() => void round(), everyMs).unref(); // whom it watches keeps the process alive
  return {
    watch(principal, onLapse) {
      const key = Symbol('connection');
      watched.set(key, { principal, onLapse });
      return () => watched.delete(key);
    },
    stop: () => clearInterval(timer),
  };
}
