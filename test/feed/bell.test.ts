import { createBell } from '../../src/feed/bell';

describe('a bell', () => {
  it('wakes who waits', async () => {
    const bell = createBell();
    const waiting = bell.wait();
    bell.ring();
    await expect(waiting).resolves.toBeUndefined();
  });

  it('remembers that it rang while nobody waited, once', async () => {
    const bell = createBell();
    bell.ring();
    bell.ring();
    await bell.wait();
    let woken = false;
    const second = bell.wait().then(() => {
      woken = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(woken).toBe(false);
    bell.ring();
    await second;
  });

  it('lets go of who has waited long enough', async () => {
    await expect(createBell().wait(1)).resolves.toBeUndefined();
  });
});
