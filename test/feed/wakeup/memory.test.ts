import { createMemoryWakeup } from '../../../src/feed/wakeup/memory';

describe('the wake-up inside a process', () => {
  it('reaches everybody who listens, until they stop', () => {
    const wakeup = createMemoryWakeup();
    const heard: string[] = [];
    const stop = wakeup.onWake(() => heard.push('first'));
    wakeup.onWake(() => heard.push('second'));
    wakeup.wake();
    stop();
    wakeup.wake();
    expect(heard).toEqual(['first', 'second', 'second']);
  });
});
