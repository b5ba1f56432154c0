/** How the wake-up uses its line, whatever it goes over. */

import { type Channel, createRemoteWakeup } from '../../../src/feed/wakeup/remote';
import { createDisposal } from '../../support/disposal';
import { createRecordedLog } from '../../support/logs';
import { until } from '../../support/until';

const disposal = createDisposal();

interface TestLine extends Channel {
  closed: boolean;
  /** Messages that wait for an answer. */
  readonly under: PromiseWithAnswer[];
  readonly told: () => number;
  readonly heard: () => void;
  readonly lost: (error: unknown) => void;
}

interface PromiseWithAnswer {
  readonly answer: () => void;
  readonly refuse: (error: Error) => void;
}

function setUp(answerMs = 60_000) {
  const lines: TestLine[] = [];
  const { log, lines: logged } = createRecordedLog();
  const wakeup = createRemoteWakeup({
    service: 'a line',
    place: 'a place',
    log,
    answerMs,
    openChannel(heard, lost) {
      const under: PromiseWithAnswer[] = [];
      let told = 0;
      const line: TestLine = {
        opened: Promise.resolve(),
        closed: false,
        under,
        told: () => told,
        heard,
        lost,
        publish() {
          told += 1;
          return new Promise((resolve, reject) => {
            under.push({ answer: () => resolve(undefined), refuse: reject });
          });
        },
        close() {
          line.closed = true;
        },
      };
      lines.push(line);
      return line;
    },
  });
  disposal.defer(() => wakeup.close());
  let woken = 0;
  wakeup.onWake(() => {
    woken += 1;
  });
  return { wakeup, lines, logged, woken: () => woken };
}

function only<T>(items: readonly T[]): T {
  const [first] = items;
  if (first === undefined) throw new Error('expected one');
  return first;
}

/** A line is open when its first message has been answered. */
async function openOne(options?: number) {
  const set = setUp(options);
  await until(() => set.lines[0]?.told() === 1);
  const line = only(set.lines);
  line.under.shift()?.answer();
  await until(() => set.woken() === 1);
  return { ...set, line };
}

it('wakes this process before it returns, line or no line', () => {
  const { wakeup, woken } = setUp();
  wakeup.wake();
  expect(woken()).toBe(1);
});

it('looks once when the line opens, for what was said while nobody listened', async () => {
  const { woken } = await openOne();
  expect(woken()).toBe(1);
});

it('has one message under way at a time, and one more for all that came meanwhile', async () => {
  const { wakeup, line, woken } = await openOne();
  for (let count = 0; count < 1000; count += 1) wakeup.wake();
  expect(woken()).toBe(1001);
  expect(line.told()).toBe(2);
  line.under.shift()?.answer();
  await until(() => line.told() === 3);
  line.under.shift()?.answer();
  await new Promise(setImmediate);
  expect(line.told()).toBe(3);
});

it('hears the others', async () => {
  const { line, woken } = await openOne();
  line.heard();
  expect(woken()).toBe(2);
});

it('opens another line when one breaks, and tells of it once', async () => {
  const { lines, logged, woken, line } = await openOne();
  line.lost(new Error('gone'));
  await until(() => lines[1]?.told() === 1);
  lines[1]?.under[0]?.refuse(new Error('still gone'));
  await until(() => lines[2]?.told() === 1);
  expect(line.closed).toBe(true);
  expect(logged.map(({ msg }) => msg)).toEqual([
    'other instances are not reached; they find out by polling',
  ]);
  lines[2]?.under[0]?.answer();
  await until(() => woken() === 2);
  expect(logged.map(({ msg }) => msg)).toEqual([
    'other instances are not reached; they find out by polling',
    'other instances are reached again',
  ]);
});

it('takes no notice of a line that breaks while it is being opened, once there is another', async () => {
  const { wakeup, lines, woken } = setUp();
  await until(() => lines[0]?.told() === 1);
  lines[0]?.lost(new Error('gone'));
  lines[0]?.under[0]?.answer(); // too late
  await until(() => lines[1]?.told() === 1);
  lines[1]?.under.shift()?.answer();
  await until(() => woken() === 1);
  lines[0]?.lost(new Error('gone once more'));
  wakeup.wake();
  expect(lines[1]?.told()).toBe(2);
  expect(lines[0]?.told()).toBe(1);
});

it('gives a line up that does not answer', async () => {
  const { wakeup, lines, line } = await openOne(20);
  wakeup.wake();
  await until(() => lines.length === 2);
  expect(line.closed).toBe(true);
});

it('can be closed while a line is being opened, while a message is under way, and twice', async () => {
  const opening = setUp();
  await until(() => opening.lines.length === 1);
  await opening.wakeup.close();
  expect(only(opening.lines).closed).toBe(true);

  const { wakeup, line, logged, woken } = await openOne();
  wakeup.wake();
  await wakeup.close();
  await wakeup.close();
  expect(line.closed).toBe(true);
  expect(logged).toEqual([]);
  wakeup.wake();
  expect(woken()).toBe(3);
  expect(line.told()).toBe(2);
});
