/** Instances that wake each other over real servers, which die, freeze and come back. */

import { createDisposal } from '../support/disposal';
import { describeWith } from '../support/programs';
import { until } from '../support/until';
import { type Instance, SERVICES, type Server, startInstance } from './services';

const AWAY = 'other instances are not reached; they find out by polling';
const BACK = 'other instances are reached again';

describe.each(SERVICES)('over $name', (service) => {
  describeWith(service.program)('instances', () => {
    const disposal = createDisposal();
    let server: Server;

    beforeEach(async () => {
      server = await service.create(disposal);
      await server.start();
    });

    /** Both reached by now: each is woken once when its line opens, and by what the other says then. */
    async function startTwo(logId = 'one-log'): Promise<readonly [Instance, Instance]> {
      const first = startInstance(disposal, service, server.url, logId);
      await until(() => first.woken() > 0);
      const second = startInstance(disposal, service, server.url, logId);
      await until(() => second.woken() > 0 && first.woken() > 1);
      return [first, second];
    }

    it('wake each other, and not those of another log', async () => {
      const [first, second] = await startTwo();
      const stranger = startInstance(disposal, service, server.url, 'another-log');
      await until(() => stranger.woken() > 0);
      const [own, others, strangers] = [first.woken(), second.woken(), stranger.woken()];

      first.wakeup.wake();
      expect(first.woken()).toBe(own + 1);
      await until(() => second.woken() === others + 1);

      second.wakeup.wake(); // answered after whatever the server would have said to the two before
      await until(() => first.woken() === own + 2);
      expect(second.woken()).toBe(others + 2);
      expect(stranger.woken()).toBe(strangers);
    });

    it('tell of a burst with few messages', async () => {
      const [first, second] = await startTwo();
      const before = second.woken();
      for (let count = 0; count < 10_000; count += 1) first.wakeup.wake();
      await until(() => second.woken() >= before + 2);
      expect(second.woken()).toBe(before + 2);
    });

    it('go on alone while the server is dead, and together when it is back', async () => {
      const [first, second] = await startTwo();
      await server.end();
      await until(() => first.said().includes(AWAY) && second.said().includes(AWAY));
      const alone = first.woken();
      first.wakeup.wake();
      expect(first.woken()).toBe(alone + 1);

      await server.start();
      await until(() => first.said().includes(BACK) && second.said().includes(BACK));
      const before = second.woken();
      first.wakeup.wake();
      await until(() => second.woken() > before);
      expect(first.said()).toEqual([AWAY, BACK]);
    });

    it('start while the server is dead, and find each other when it is back', async () => {
      await server.end();
      const first = startInstance(disposal, service, server.url, 'one-log');
      const second = startInstance(disposal, service, server.url, 'one-log');
      await until(() => first.said().includes(AWAY) && second.said().includes(AWAY));
      await server.start();
      await until(() => first.said().includes(BACK) && second.said().includes(BACK));
      const before = second.woken();
      first.wakeup.wake();
      await until(() => second.woken() > before);
    });

    it('leave no connection behind when they stop, and are not heard any more', async () => {
      const [first, second] = await startTwo();
      const early = startInstance(disposal, service, server.url, 'one-log');
      await early.wakeup.close(); // while it connects
      await second.wakeup.close();
      await until(async () => (await server.connections()) === 1);
      const before = first.woken();
      second.wakeup.wake();
      first.wakeup.wake();
      expect(first.woken()).toBe(before + 1);
      await first.wakeup.close();
      await until(async () => (await server.connections()) === 0);
      expect([...first.said(), ...second.said(), ...early.said()]).toEqual([]);
    });
  });
});
