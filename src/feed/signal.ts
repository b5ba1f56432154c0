/** Lets one loop sleep until somebody has news for it. */

export interface Signal {
  notify(): void;
  /** Resolves at the next ring, at once if it rang since the last wait, or after `timeoutMs`. One waiter at a time. */
  wait(timeoutMs?: number): Promise<void>;
}

/** Thousands of them wait at a time: no more is kept for one than it takes. */
export function createSignal(): Signal {
  let rung = false;
  let release: (() => void) | null = null;

  function ring(): void {
    rung = release === null;
    release?.();
    release = null;
  }

  return {
    notify: ring,

    wait(timeoutMs) {
      if (rung) {
        rung = false;
        return RUNG;
      }
      return new Promise((resolve) => {
        release = timeoutMs === undefined ? resolve : withTimeout(resolve, ring, timeoutMs);
      });
    },
  };
}

const RUNG = Promise.resolve();

function withTimeout(resolve: () => void, ring: () => void, timeoutMs: number): () => void {
  const timer = setTimeout(ring, timeoutMs);
  return () => {
    clearTimeout(timer);
    resolve();
  };
}
