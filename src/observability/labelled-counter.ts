/** A counter with two labels from closed sets of values, so that clients cannot create new series. */

import { Counter, type Registry } from 'prom-client';

export interface LabelledCounterOptions {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly [string, string];
  /** Values of the first label. Any other value counts as the last one. */
  readonly first: readonly string[];
  /** Values of the second label, likewise. */
  readonly second: readonly string[];
  /** All pairs of these values exist from the start, so that Prometheus sees the first event as an increase. */
  readonly fromTheStart: readonly [readonly string[], readonly string[]];
}

export interface LabelledCounter {
  count(first: string, second: string): void;
}

export function createLabelledCounter(
  registry: Registry,
  options: LabelledCounterOptions,
): LabelledCounter {
  const { name, help, labels } = options;
  const first = closedSet(options.first);
  const second = closedSet(options.second);
  const [initialFirst, initialSecond] = options.fromTheStart;
  const counts = new Map(
    initialFirst.flatMap((one) => initialSecond.map((two) => [`${one} ${two}`, 0])),
  );
  new Counter({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    collect() {
      this.reset();
      for (const [pair, count] of counts) {
        const [one = '', two = ''] = pair.split(' ');
        this.inc({ [labels[0]]: one, [labels[1]]: two }, count);
      }
    },
  });
  return {
    count(one: string, two: string) {
      const pair = `${first(one)} ${second(two)}`;
      counts.set(pair, (counts.get(pair) ?? 0) + 1);
    },
  };
}

/** Returns a function that maps unknown values to the last known one. */
function closedSet(values: readonly string[]): (value: string) => string {
  const known = new Set(values);
  const other = values.at(-1) ?? 'OTHER';
  return (value) => (known.has(value) ? value : other);
}
