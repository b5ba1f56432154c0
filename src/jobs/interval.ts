/** Repeats an asynchronous job while the gateway runs. Two runs never overlap. */

export interface IntervalOptions {
  /** One run. An error ends only this run. @param signal - Aborted when the run must stop early. */
  readonly work: (signal: AbortSignal) => Promise<void>;
  /** Delay from the end of one run to the start of the next, in milliseconds. */
  readonly intervalMs: number;
  /** Whether the first run starts immediately or after one interval. */
  readonly first: 'IMMEDIATELY' | 'AFTER_INTERVAL';
  /** Receives the error of a run, unless the run was aborted. */
  readonly onError: (error: unknown) => void;
}

export interface Interval {
  /** Resolves at the end of the current run, or of the last one. Never rejects. */
  settled(): Promise<void>;
  /** Aborts the current run and waits for its end. */
  stop(): Promise<void>;
}

export function startInterval({ work, intervalMs, first, onError }: IntervalOptions): Interval {
  const stopping = new AbortController();
  const { signal } = stopping;
  let timer: NodeJS.Timeout | undefined;
  let current = Promise.resolve();
  if (first === 'IMMEDIATELY') start();
  else schedule();

  return {
    settled: () => current,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await current;
    },
  };

  function start(): void {
    current = run();
  }

  async function run(): Promise<void> {
    try {
      await work(signal);
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    if (!signal.aborted) schedule();
  }

  function schedule(): void {
    timer = setTimeout(start, intervalMs).unref();
  }
}
