import { createMemoryWakeup } from '../../../src/feed/wakeup/wakeup';

describe('the wake-up in memory', () => {
  it('calls every listener until it is removed', () => {
    const wakeup = createMemoryWakeup();
    const calls: string[] = [];
    const remove = wakeup.onWake(() => calls.push('first'));
    wakeup.onWake(() => calls.push('second'));
    wakeup.wake();
    remove();
    wakeup.wake();
    expect(calls).toEqual(['first', 'second', 'second']);
  });
});
