/** Ends sessions whose credentials become invalid: keys are revoked and tokens expire while connections are open. */

import type { Logger } from 'pino';
import type { Authenticator } from '../../access/authenticator';
import type { Principal } from '../../access/principal';

export interface Revalidation {
  /** @param onInvalid - Called at most once, when the credentials are no longer valid. @returns a function that unregisters it. */
  watch(principal: Principal, onInvalid: () => void): () => void;
  stop(): void;
}

export interface RevalidationOptions {
  readonly authenticator: Pick<Authenticator, 'findInvalid'>;
  readonly intervalMs: number;
  readonly log: Pick<Logger, 'error'>;
}

/** Checks all principals together once per interval. A failed check is repeated at the next interval. */
export function createRevalidation(options: RevalidationOptions): Revalidation {
  const { authenticator, intervalMs, log } = options;
  const watched = new Map<Principal, Set<() => void>>(); // many connections may share one principal
  let checking = false;

  async function check(): Promise<void> {
    if (checking || watched.size === 0) return;
    checking = true;
    try {
      for (const principal of await authenticator.findInvalid([...watched.keys()])) {
        const callbacks = watched.get(principal) ?? [];
        watched.delete(principal);
        for (const onInvalid of callbacks) onInvalid();
      }
    } catch (err) {
      log.error({ err }, 'failed to revalidate live connections');
    } finally {
      checking = false;
    }
  }

  const timer = setInterval(() => void check(), intervalMs).unref(); // open connections keep the process alive
  return {
    watch(principal, onInvalid) {
      const callbacks = watched.get(principal) ?? new Set();
      watched.set(principal, callbacks.add(onInvalid));
      return () => {
        callbacks.delete(onInvalid);
        if (callbacks.size === 0 && watched.get(principal) === callbacks) watched.delete(principal);
      };
    },
    stop: () => clearInterval(timer),
  };
}
