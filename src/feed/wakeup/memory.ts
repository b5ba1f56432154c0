/** Wakes the feed of the process that wrote. Other processes on the same database find out by polling. */

import type { Wakeup } from './wakeup';

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
