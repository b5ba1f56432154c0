/** Auto-reset signal: `wait` resolves on the next `notify`. */

export interface Signal {
  notify(): void;
  /**
   * Resolves on the next `notify`, or after `timeoutMs`. Resolves at once if `notify` was called since the last wait. At most one
   * caller may wait at a time.
   */
  wait(timeoutMs?: number): Promise<void>;
}

/** Allocates little, because thousands of signals are waited for at a time. */
export function createSignal(): Signal {
  let notified = false;
  let release: (() => void) | null = null;

  function notify(): void {
    notified = release === null;
    release?.();
    release = null;
  }

  return {
    notify,

    wait(timeoutMs) {
      if (notified) {
        notified = false;
        return RESOLVED;
      }
      return new Promise((resolve) => {
        release = timeoutMs === undefined ? resolve : withTimeout(resolve, notify, timeoutMs);
      });
    },
  };
}

const RESOLVED = Promise.resolve();

function withTimeout(resolve: () => void, notify: () => void, timeoutMs: number): () => void {
  const timer = setTimeout(notify, timeoutMs);
  return () => {
    clearTimeout(timer);
    resolve();
  };
}
