/** A replay over HTTP, by a gateway that understands less than the one that kept the deliveries. */

import { createTestDatabase } from '../support/databases';
import { createDisposal } from '../support/disposal';
import { startGateway } from './support/gateway';
import { APPROVALS } from './support/messages';
import { logOf } from './support/state';

const disposal = createDisposal();

const REPLAY = `mutation {
  replayDeliveries(input: { receivedFrom: "2000-01-01T00:00:00Z" }) {
    deliveries dispositionChanges { after } changes { id } userErrors { code }
    failed { code message delivery { provider disposition } }
  }
}`;

it('leaves alone what it cannot read, reports it, and goes on with the rest', async () => {
  const { url: DATABASE_URL, drop } = await createTestDatabase();
  disposal.defer(drop);
  const first = await startGateway(disposal, { env: { DATABASE_URL } });
  await first.post('fractal-id', APPROVALS['fractal-id']);
  await first.post('sumsub', APPROVALS.sumsub);
  await first.post('paycaddy', APPROVALS.paycaddy);
  const before = await logOf(first);
  await first.stop();
  const env = { DATABASE_URL, WEBHOOK_SECRETS_SUMSUB: undefined, FRACTAL_ID_FORMAT: 'kraken' };
  const second = await startGateway(disposal, { env });

  const { data, errors } = await second.ask(REPLAY);

  expect(errors).toBeUndefined();
  const message = expect.any(String);
  expect(data.replayDeliveries).toEqual({
    deliveries: 3,
    dispositionChanges: [],
    changes: [],
    userErrors: [],
    failed: [
      {
        code: 'PAYLOAD_INVALID',
        message,
        delivery: { provider: 'FRACTAL_ID', disposition: 'APPLIED' },
      },
      {
        code: 'PROVIDER_UNKNOWN',
        message,
        delivery: { provider: 'SUMSUB', disposition: 'APPLIED' },
      },
    ],
  });
  expect(await logOf(second)).toEqual(before);
});
