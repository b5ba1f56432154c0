/** Puts out whom we let in once: keys are revoked and tokens run out while connections live on. */

import type { Logger } from 'pino';
import type { Authenticator } from '../../access/authenticator';
import type { Principal } from '../../access/principal';

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
  const watched = new Map<Principal, Set<() => void>>(); // many connections may share one principal
  let asking = false;

  async function round(): Promise<void> {
    if (asking || watched.size === 0) return;
    asking = true;
    try {
      for (const principal of await authenticator.lapsed([...watched.keys()])) {
        const lapsing = watched.get(principal) ?? [];
        watched.delete(principal);
        for (const onLapse of lapsing) onLapse();
      }
    } catch (err) {
      log.error({ err }, 'failed to revalidate live connections');
    } finally {
      asking = false;
    }
  }

  const timer = setInterval(() => void round(), everyMs).unref(); // whom it watches keeps the process alive
  return {
    watch(principal, onLapse) {
      const others = watched.get(principal) ?? new Set();
      watched.set(principal, others.add(onLapse));
      return () => {
        others.delete(onLapse);
        if (others.size === 0 && watched.get(principal) === others) watched.delete(principal);
      };
    },
    stop: () => clearInterval(timer),
  };
}
