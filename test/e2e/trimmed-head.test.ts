/** The cursor at the head of a log of which every entry has been trimmed. */

import { decodeCursor, type LogPosition } from '../../src/domain/cursor';
import { change } from '../support/databases';
import { createDisposal } from '../support/disposal';
import { startGateway, type TestGateway } from './support/gateway';
import { APPROVALS } from './support/messages';

const disposal = createDisposal();

/** Exchanges the stored check of the last entry that was trimmed. */
function storeCheck({ config }: TestGateway, value: string): Promise<void> {
  return change(
    config.database,
    `UPDATE settings SET value = '${value}' WHERE name = 'log_floor_nonce'`,
  );
}

/** As a statement of the fast path returns it, and as a page of the log would. */
async function positionsOf(gateway: TestGateway): Promise<readonly LogPosition[]> {
  const { store } = gateway;
  const { data } = await gateway.ask('{ cursor users { nodes { id } } }');
  const state = await store.read.logState();
  return [decodeCursor(store.logId, data.cursor), state.head, state.floor];
}

async function start() {
  const gateway = await startGateway(disposal);
  await gateway.post('sumsub', APPROVALS.sumsub);
  const { head } = await gateway.store.read.logState();
  await gateway.store.trimLog(new Date(Date.now() + 60_000));
  return { gateway, head };
}

it('keeps the check of its entry', async () => {
  const { gateway, head } = await start();
  expect(head.nonce).not.toBeNull();
  expect(await positionsOf(gateway)).toEqual([head, head, head]);
});

// Regression: the check of an earlier entry was used, so subscribers at the head got CURSOR_INVALID.
it('has no check if a release without checks has trimmed last', async () => {
  const { gateway, head } = await start();
  await storeCheck(gateway, `${head.seq - 1}:${head.nonce}`);
  const unchecked = { seq: head.seq, nonce: null };
  expect(await positionsOf(gateway)).toEqual([unchecked, unchecked, unchecked]);
});

it('accepts a check that was stored without its position', async () => {
  const { gateway, head } = await start();
  await storeCheck(gateway, String(head.nonce));
  expect(await positionsOf(gateway)).toEqual([head, head, head]);
});
