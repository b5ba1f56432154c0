/** Stops everything that a test has started when the test ends, in reverse order, whether or not it passed. */

export interface Disposal {
  defer(stop: () => unknown): void;
}

/** Call once per test file, or per `describe`. @param after - Each test, or all of them. */
export function createDisposal(after: 'each' | 'all' = 'each'): Disposal {
  const stops: (() => unknown)[] = [];
  const hook = after === 'each' ? afterEach : afterAll;
  hook(async () => {
    for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop();
  });
  return { defer: (stop) => void stops.push(stop) };
}
