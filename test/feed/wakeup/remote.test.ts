/** The wake-up over a channel, independent of the service behind it. */

import {
  type Channel,
  type ChannelEvents,
  createRemoteWakeup,
} from '../../../src/feed/wakeup/remote';
import { createDisposal } from '../../support/disposal';
import { createRecordedLog } from '../../support/logs';
import { until } from '../../support/until';

const disposal = createDisposal();

interface TestChannel extends Channel, ChannelEvents {
  closed: boolean;
  /** Messages that the service has not accepted yet. */
  readonly pending: PendingMessage[];
  readonly published: () => number;
}

interface PendingMessage {
  readonly accept: () => void;
  readonly reject: (error: Error) => void;
}

function setUp(timeoutMs = 60_000) {
  const channels: TestChannel[] = [];
  const { log, lines: logged } = createRecordedLog();
  const wakeup = createRemoteWakeup({
    service: 'a service',
    place: 'a place',
    log,
    timeoutMs,
    openChannel(events) {
      const pending: PendingMessage[] = [];
      let published = 0;
      const channel: TestChannel = {
        ...events,
        opened: Promise.resolve(),
        closed: false,
        pending,
        published: () => published,
        publish() {
          published += 1;
          return new Promise((resolve, reject) => {
            pending.push({ accept: () => resolve(undefined), reject });
          });
        },
        close() {
          channel.closed = true;
        },
      };
      channels.push(channel);
      return channel;
    },
  });
  disposal.defer(() => wakeup.close());
  let woken = 0;
  wakeup.onWake(() => {
    woken += 1;
  });
  return { wakeup, channels, logged, woken: () => woken };
}

function only<T>(items: readonly T[]): T {
  const [first] = items;
  if (first === undefined) throw new Error('expected one');
  return first;
}

/** A channel is open when its first message has been accepted. */
async function openOne(options?: number) {
  const set = setUp(options);
  await until(() => set.channels[0]?.published() === 1);
  const channel = only(set.channels);
  channel.pending.shift()?.accept();
  await until(() => set.woken() === 1);
  return { ...set, channel };
}

describe('createRemoteWakeup', () => {
  it('wakes this process before it returns, without a channel', () => {
    const { wakeup, woken } = setUp();
    wakeup.wake();
    expect(woken()).toBe(1);
  });

  it('wakes this process once when the channel opens, because earlier messages were missed', async () => {
    const { woken } = await openOne();
    expect(woken()).toBe(1);
  });

  it('publishes one message at a time, and one more for all calls during it', async () => {
    const { wakeup, channel, woken } = await openOne();
    for (let count = 0; count < 1000; count += 1) wakeup.wake();
    expect(woken()).toBe(1001);
    expect(channel.published()).toBe(2);
    channel.pending.shift()?.accept();
    await until(() => channel.published() === 3);
    channel.pending.shift()?.accept();
    await new Promise(setImmediate);
    expect(channel.published()).toBe(3);
  });

  it('wakes this process for a message', async () => {
    const { channel, woken } = await openOne();
    channel.onMessage();
    expect(woken()).toBe(2);
  });

  it('opens another channel after a disconnect, and logs it once', async () => {
    const { channels, logged, woken, channel } = await openOne();
    channel.onDisconnect(new Error('gone'));
    await until(() => channels[1]?.published() === 1);
    channels[1]?.pending[0]?.reject(new Error('still gone'));
    await until(() => channels[2]?.published() === 1);
    expect(channel.closed).toBe(true);
    expect(logged.map(({ msg }) => msg)).toEqual([
      'wake-up channel disconnected; falling back to polling',
    ]);
    channels[2]?.pending[0]?.accept();
    await until(() => woken() === 2);
    expect(logged.map(({ msg }) => msg)).toEqual([
      'wake-up channel disconnected; falling back to polling',
      'wake-up channel reconnected',
    ]);
  });

  it('ignores a channel that was lost while opening, once another one is open', async () => {
    const { wakeup, channels, woken } = setUp();
    await until(() => channels[0]?.published() === 1);
    channels[0]?.onDisconnect(new Error('gone'));
    channels[0]?.pending[0]?.accept(); // after the disconnect
    await until(() => channels[1]?.published() === 1);
    channels[1]?.pending.shift()?.accept();
    await until(() => woken() === 1);
    channels[0]?.onDisconnect(new Error('gone once more'));
    wakeup.wake();
    expect(channels[1]?.published()).toBe(2);
    expect(channels[0]?.published()).toBe(1);
  });

  it('closes a channel that does not respond in time', async () => {
    const { wakeup, channels, channel } = await openOne(20);
    wakeup.wake();
    await until(() => channels.length === 2);
    expect(channel.closed).toBe(true);
  });

  it('closes while opening, while publishing, and twice', async () => {
    const opening = setUp();
    await until(() => opening.channels.length === 1);
    await opening.wakeup.close();
    expect(only(opening.channels).closed).toBe(true);

    const { wakeup, channel, logged, woken } = await openOne();
    wakeup.wake();
    await wakeup.close();
    await wakeup.close();
    expect(channel.closed).toBe(true);
    expect(logged).toEqual([]);
    wakeup.wake();
    expect(woken()).toBe(3);
    expect(channel.published()).toBe(2);
  });
});
