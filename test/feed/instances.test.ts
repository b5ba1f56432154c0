/** Instances that wake each other through real servers, which crash and restart. */

import { createDisposal } from '../support/disposal';
import { describeWith } from '../support/services/programs';
import { until } from '../support/until';
import { type Instance, SERVICES, type Server, startInstance } from './services';

const DISCONNECTED = 'wake-up channel disconnected; falling back to polling';
const RECONNECTED = 'wake-up channel reconnected';

describe.each(SERVICES)('over $name', (service) => {
  describeWith(service.program)('instances', () => {
    const disposal = createDisposal();
    let server: Server;

    beforeEach(async () => {
      server = await service.create(disposal);
      await server.start();
    });

    /** Resolves when both are connected: each is woken when its channel opens, and by the first message of the other. */
    async function startTwo(logId = 'one-log'): Promise<readonly [Instance, Instance]> {
      const first = startInstance(disposal, service, server.url, logId);
      await until(() => first.woken() > 0);
      const second = startInstance(disposal, service, server.url, logId);
      await until(() => second.woken() > 0 && first.woken() > 1);
      return [first, second];
    }

    it('wake each other, but not instances with another log', async () => {
      const [first, second] = await startTwo();
      const other = startInstance(disposal, service, server.url, 'another-log');
      await until(() => other.woken() > 0);
      const [firstBefore, secondBefore, otherBefore] = [
        first.woken(),
        second.woken(),
        other.woken(),
      ];

      first.wakeup.wake();
      expect(first.woken()).toBe(firstBefore + 1);
      await until(() => second.woken() === secondBefore + 1);

      second.wakeup.wake(); // received after any message that the server sent to them before
      await until(() => first.woken() === firstBefore + 2);
      expect(second.woken()).toBe(secondBefore + 2);
      expect(other.woken()).toBe(otherBefore);
    });

    it('send few messages for a burst of wake-ups', async () => {
      const [first, second] = await startTwo();
      const before = second.woken();
      for (let count = 0; count < 10_000; count += 1) first.wakeup.wake();
      await until(() => second.woken() >= before + 2);
      expect(second.woken()).toBe(before + 2);
    });

    it('wake only themselves while the server is down, and each other when it is back', async () => {
      const [first, second] = await startTwo();
      await server.end();
      await until(
        () => first.messages().includes(DISCONNECTED) && second.messages().includes(DISCONNECTED),
      );
      const alone = first.woken();
      first.wakeup.wake();
      expect(first.woken()).toBe(alone + 1);

      await server.start();
      await until(
        () => first.messages().includes(RECONNECTED) && second.messages().includes(RECONNECTED),
      );
      const before = second.woken();
      first.wakeup.wake();
      await until(() => second.woken() > before);
      expect(first.messages()).toEqual([DISCONNECTED, RECONNECTED]);
    });

    it('start while the server is down, and wake each other when it is back', async () => {
      await server.end();
      const first = startInstance(disposal, service, server.url, 'one-log');
      const second = startInstance(disposal, service, server.url, 'one-log');
      await until(
        () => first.messages().includes(DISCONNECTED) && second.messages().includes(DISCONNECTED),
      );
      await server.start();
      await until(
        () => first.messages().includes(RECONNECTED) && second.messages().includes(RECONNECTED),
      );
      const before = second.woken();
      first.wakeup.wake();
      await until(() => second.woken() > before);
    });

    it('close their connections when they stop, and no longer wake others', async () => {
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
      expect([...first.messages(), ...second.messages(), ...early.messages()]).toEqual([]);
    });
  });
});
