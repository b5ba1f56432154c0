/** Bodies that are held back: what is received and not yet proven has a budget of memory and a deadline. */

import { once } from 'node:events';
import { createDisposal } from '../support/disposal';
import { connectRaw, type RawConnection } from '../support/raw-http';
import { until } from '../support/until';
import { bytesInUse, expectHealthy, startTarget } from './target';

const disposal = createDisposal();
const MIB = 1024 * 1024;
const ALL = 8 * MIB;
const PER_ADDRESS = 4 * MIB;
/** Beyond the budget: buffers of sockets, of both sides, in one process. */
const SLACK = 16 * MIB;
const STRANGERS = 60;
const PIECE = Buffer.alloc(MIB - 1, 'x');
const NEVER_MS = 600_000;

/** Sends all of a webhook of 1 MiB but its last byte. */
function holdBack(port: number, address: string): RawConnection {
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

const answered = (connections: readonly RawConnection[], status: number) =>
  connections.filter((raw) => raw.received().startsWith(`HTTP/1.1 ${status} `));

// Regression: 3,000 strangers held 3.2 GiB for as long as they sent a byte now and then.
it('strangers hold no more than the budget, whose oldest bodies give way, and vendors get through', async () => {
  const target = await start({});
  const before = bytesInUse();
  const strangers: RawConnection[] = [];
  for (let index = 0; index < STRANGERS; index += 1) {
    strangers.push(holdBack(target.port, `192.0.2.${index}`));
  }
  await until(() => answered(strangers, 503).length >= STRANGERS - ALL / MIB);
  expect(bytesInUse() - before).toBeLessThan(ALL + SLACK);
  expect(answered(strangers, 503)[0]?.received()).toMatch(
    /retry-after: \d.*"code":"UNAVAILABLE"/is,
  );
  await expectHealthy(target);

  for (const { socket } of strangers) socket.destroy();
  await until(() => bytesInUse() - before < ALL / 2); // the collector may be late
  await expectHealthy(target);
});

it('one address displaces its own bodies, and none of another', async () => {
  const target = await start({});
  const other = holdBack(target.port, '198.51.100.1');
  const own: RawConnection[] = [];
  for (let index = 0; index < 20; index += 1) own.push(holdBack(target.port, '192.0.2.1'));
  await until(() => answered(own, 503).length >= 20 - PER_ADDRESS / MIB);
  other.write('x');
  await until(() => other.received() !== '');
  expect(other.received()).toMatch(/^HTTP\/1.1 401 /);
});

it('a body that trickles is given up at the deadline, and its client is told', async () => {
  const target = await start({ bodyTimeoutMs: 500 });
  const raw = holdBack(target.port, '192.0.2.1');
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
