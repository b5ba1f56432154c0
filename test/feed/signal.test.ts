import { createSignal } from '../../src/feed/signal';

describe('a signal', () => {
  it('resolves a pending wait', async () => {
    const signal = createSignal();
    const waiting = signal.wait();
    signal.notify();
    await expect(waiting).resolves.toBeUndefined();
  });

  it('resolves one later wait after several notifications', async () => {
    const signal = createSignal();
    signal.notify();
    signal.notify();
    await signal.wait();
    let woken = false;
    const second = signal.wait().then(() => {
      woken = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(woken).toBe(false);
    signal.notify();
    await second;
  });

  it('resolves a wait after its timeout', async () => {
    await expect(createSignal().wait(1)).resolves.toBeUndefined();
  });
});
