/** The writer thread: same state as without a thread, and lossless messages. */

import { join } from 'node:path';
import fc from 'fast-check';
import type { IncomingDelivery } from '../../../src/domain/delivery';
import { GatewayError, StoreUnavailableError } from '../../../src/domain/errors';
import {
  fromBatch,
  toBatch,
  toError,
  toErrorData,
} from '../../../src/store/worker/worker-messages';
import { spawnScript } from '../../cli/spawn';
import { query } from '../../support/databases';
import { openTestStore, stateOf } from '../open-test-store';
import { story } from '../two-accounts';

it('reaches the same state as without a thread, with other transactions in between', async () => {
  const alone = await openTestStore();
  for (const one of story) await alone.store.record(one);
  const threaded = await openTestStore();
  await threaded.store.close();

  const script = spawnScript(join(__dirname, 'record-in-thread.ts'), {}, [threaded.url]);
  const { code, out, err } = await script.finished;
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(JSON.parse(out)).toEqual({
    kept: story.length,
    repeated: story.length * 3,
    users: 40,
    late: true,
    refused: 'STORE_UNAVAILABLE',
    committed: story.length * 4 + 1,
  });

  expect(await stateOf(threaded.database)).toBe(await stateOf(alone.database));
  const [kept] = await query<{ n: number; repeats: number }>(
    threaded.database,
    'SELECT count(*) AS n, CAST(sum(duplicates) AS integer) AS repeats FROM deliveries',
  );
  expect(kept).toEqual({ n: story.length, repeats: story.length * 3 + 1 });
  const [log] = await query<{ n: number; last: number }>(
    threaded.database,
    'SELECT count(*) AS n, max(id) AS last FROM changes',
  );
  expect(log?.n).toBe(log?.last);
});

it('transfers deliveries unchanged', () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 5_000 }), { maxLength: 20 });
  fc.assert(
    fc.property(bodies, fc.array(fc.string({ unit: 'binary' })), (raw, texts) => {
      const sent = raw.map((body, index) => ({
        ticket: index,
        delivery: deliveryOf(Buffer.from(body), texts[index % texts.length] ?? ''),
      }));
      const arrived = fromBatch(structuredClone(toBatch(sent)));
      expect(arrived).toEqual(sent);
    }),
  );
});

it('transfers an error with its class, code and cause', () => {
  const arrived = (error: unknown) => toError(structuredClone(toErrorData(error)));
  const cause = Object.assign(new Error('read-only'), { code: '25006' });
  const away = arrived(new StoreUnavailableError({ cause }));
  expect(away).toBeInstanceOf(StoreUnavailableError);
  expect(away).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    cause: { code: '25006', message: 'read-only', stack: cause.stack },
  });
  expect(arrived(new GatewayError('INPUT_INVALID', 'no', { cause }))).toMatchObject({
    code: 'INPUT_INVALID',
    message: 'no',
    cause: { code: '25006' },
  });
  expect(arrived(new TypeError('x'))).toMatchObject({ name: 'TypeError', message: 'x' });
  expect(arrived({ code: 'ERR', message: 'no error' })).toMatchObject({ message: 'no error' });
  expect(arrived(undefined)).toBeInstanceOf(Error);
});

function deliveryOf(rawBody: Buffer, text: string): IncomingDelivery {
  return {
    provider: 'sumsub',
    receivedAt: new Date(1_700_000_000_123),
    rawBody,
    subpath: text,
    trust: 'SIGNED',
    reading: { kind: 'IGNORED', eventType: text, duplicateKey: text },
  };
}
