/** What a test starts is stopped when the test ends, last started first, whether it passed or not. */

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
