/** Wake-up for the feed: signals that the log has grown. Carries no payload and may be lost, so the feed also polls. */

export interface Wakeup {
  /** Calls the local listeners before it returns. Notifies other instances in the background. Never throws. */
  wake(): void;
  /** Adds a listener. Returns a function that removes it. */
  onWake(listener: () => void): () => void;
  /** Disconnects from other instances. Local listeners still work. Idempotent. */
  close(): Promise<void>;
}

/** Wakes the feed of this process only. Other processes on the same database poll. */
export function createMemoryWakeup(): Wakeup {
  const listeners = new Set<() => void>();
  return {
    wake() {
      for (const listener of listeners) listener();
    },
    onWake(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {},
  };
}
