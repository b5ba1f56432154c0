/** Lets one loop sleep until somebody has news for it. */

export interface Bell {
  ring(): void;
  /** Resolves at the next ring, at once if it rang since the last wait, or after `timeoutMs`. One waiter at a time. */
  wait(timeoutMs?: number): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let release: (() => void) | null = null;

  return {
    ring() {
      rung = true;
      release?.();
    },

    async wait(timeoutMs) {
      if (!rung) {
        await new Promise<void>((resolve) => {
          release = timeoutMs === undefined ? resolve : withTimeout(resolve, timeoutMs);
        });
      }
      release = null;
      rung = false;
    },
  };
}

function withTimeout(resolve: () => void, timeoutMs: number): () => void {
  const timer = setTimeout(resolve, timeoutMs);
  return () => {
    clearTimeout(timer);
    resolve();
  };
}
