/** Does the same again and again while the gateway runs, and never twice at a time. */

export interface IntervalOptions {
  /** One round. What it throws ends this round alone. @param signal - Aborted when it should leave off. */
  readonly work: (signal: AbortSignal) => Promise<void>;
  /** Between the end of a round and the next, in milliseconds. */
  readonly intervalMs: number;
  /** Whether the first one is at once, or after an interval. */
  readonly first: 'AT_ONCE' | 'LATER';
  /** Told of what a round threw, unless it was to leave off. */
  readonly onError: (error: unknown) => void;
}

export interface Interval {
  /** Ends with the round that is under way, or was last. */
  settled(): Promise<void>;
  /** Lets the round under way leave off, and waits for it. */
  stop(): Promise<void>;
}

export function startInterval({ work, intervalMs, first, onError }: IntervalOptions): Interval {
  const stopping = new AbortController();
  const { signal } = stopping;
  let timer: NodeJS.Timeout | undefined;
  let round = Promise.resolve();
  if (first === 'AT_ONCE') begin();
  else plan();

  return {
    settled: () => round,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await round;
    },
  };

  function begin(): void {
    round = run();
  }

  async function run(): Promise<void> {
    try {
      await work(signal);
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    if (!signal.aborted) plan();
  }

  function plan(): void {
    timer = setTimeout(begin, intervalMs).unref();
  }
}
