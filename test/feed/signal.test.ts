import { createSignal } from '../../src/feed/signal';

describe('a bell', () => {
  it('wakes who waits', async () => {
    const bell = createSignal();
    const waiting = bell.wait();
    bell.notify();
    await expect(waiting).resolves.toBeUndefined();
  });

  it('remembers that it rang while nobody waited, once', async () => {
    const bell = createSignal();
    bell.notify();
    bell.notify();
    await bell.wait();
    let woken = false;
    const second = bell.wait().then(() => {
      woken = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(woken).toBe(false);
    bell.notify();
    await second;
  });

  it('lets go of who has waited long enough', async () => {
    await expect(createSignal().wait(1)).resolves.toBeUndefined();
  });
});
