/** Incomplete bodies: before verification, they have a memory budget and a deadline. */

import { once } from 'node:events';
import { createDisposal } from '../support/disposal';
import { connectRaw, type RawConnection } from '../support/raw-http';
import { until } from '../support/until';
import { bytesInUse, expectHealthy, startTarget } from './target';

const disposal = createDisposal();
const MIB = 1024 * 1024;
const ALL = 8 * MIB;
const PER_ADDRESS = 4 * MIB;
/** Socket buffers of both sides, which are in the same process. */
const SLACK = 16 * MIB;
const ATTACKERS = 60;
const PIECE = Buffer.alloc(MIB - 1, 'x');
const NEVER_MS = 600_000;

/** Sends a webhook of 1 MiB except its last byte. */
function sendIncomplete(port: number, address: string): RawConnection {
  const raw = connectRaw(disposal, port);
  raw.write(
    `POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${address}\r\nContent-Length: ${MIB}\r\n\r\n`,
  );
  raw.socket.write(PIECE);
  return raw;
}

function start(limits: object) {
  return startTarget(disposal, {
    env: { TRUSTED_PROXIES: '1' },
    limits: {
      http: {
        maxHeldBytes: ALL,
        maxHeldBytesPerAddress: PER_ADDRESS,
        bodyIdleMs: NEVER_MS,
        bodyTimeoutMs: NEVER_MS,
        requestTimeoutMs: 2 * NEVER_MS,
        ...limits,
      },
    },
  });
}

const withStatus = (connections: readonly RawConnection[], status: number) =>
  connections.filter((raw) => raw.received().startsWith(`HTTP/1.1 ${status} `));

// Regression: 3,000 clients occupied 3.2 GiB for as long as they sent an occasional byte.
it('incomplete bodies stay within the budget, the oldest are evicted, and providers are served', async () => {
  const target = await start({});
  const before = bytesInUse();
  const attackers: RawConnection[] = [];
  for (let index = 0; index < ATTACKERS; index += 1) {
    attackers.push(sendIncomplete(target.port, `192.0.2.${index}`));
  }
  await until(() => withStatus(attackers, 503).length >= ATTACKERS - ALL / MIB);
  expect(bytesInUse() - before).toBeLessThan(ALL + SLACK);
  expect(withStatus(attackers, 503)[0]?.received()).toMatch(
    /retry-after: \d.*"code":"UNAVAILABLE"/is,
  );
  await expectHealthy(target);

  for (const { socket } of attackers) socket.destroy();
  await until(() => bytesInUse() - before < ALL / 2); // the collector may be late
  await expectHealthy(target);
});

it('one address evicts its own bodies, and none of another address', async () => {
  const target = await start({});
  const other = sendIncomplete(target.port, '198.51.100.1');
  const own: RawConnection[] = [];
  for (let index = 0; index < 20; index += 1) own.push(sendIncomplete(target.port, '192.0.2.1'));
  await until(() => withStatus(own, 503).length >= 20 - PER_ADDRESS / MIB);
  other.write('x');
  await until(() => other.received() !== '');
  expect(other.received()).toMatch(/^HTTP\/1.1 401 /);
});

it('a trickling body gets 408 at the deadline', async () => {
  const target = await start({ bodyTimeoutMs: 500 });
  const raw = sendIncomplete(target.port, '192.0.2.1');
  await once(raw.socket, 'connect');
  const chunked = connectRaw(disposal, target.port);
  chunked.write('POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  const drip = setInterval(() => chunked.write('1\r\nx\r\n'), 20);
  disposal.defer(() => clearInterval(drip));
  for (const { ended } of [raw, chunked]) {
    expect(await ended).toMatch(/^HTTP\/1.1 408 .*"code":"BODY_TIMEOUT"/s);
  }
  clearInterval(drip);
  await expectHealthy(target);
});
