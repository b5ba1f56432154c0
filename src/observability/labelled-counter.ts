/** A counter with two labels whose values are closed sets: whatever clients make up, there are no more series than these. */

import { Counter, type Registry } from 'prom-client';

export interface LabelledCounterOptions {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly [string, string];
  /** The values that the first label can have; any other counts as the last one. */
  readonly first: readonly string[];
  readonly second: readonly string[];
  /** Each of these with each of those is present from the start, so that the first one that happens is seen as an increase. */
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
  const [these, those] = options.fromTheStart;
  const counts = new Map(these.flatMap((one) => those.map((two) => [`${one} ${two}`, 0])));
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

/** Lets the words through that it knows; any other becomes the last one. */
function closedSet(words: readonly string[]): (word: string) => string {
  const known = new Set(words);
  const rest = words.at(-1) ?? 'OTHER';
  return (word) => (known.has(word) ? word : rest);
}
