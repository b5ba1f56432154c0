/** FIFO mutex: runs one piece of work at a time, in the order of the calls. */

export type Mutex = <T>(work: () => Promise<T>) => Promise<T>;

export function createMutex(): Mutex {
  const waiting: (() => void)[] = [];
  let busy = false;

  return async function runExclusive(work) {
    if (busy) await new Promise<void>((resolve) => waiting.push(resolve));
    busy = true;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) busy = false;
      else next();
    }
  };
}
