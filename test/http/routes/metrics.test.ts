import { createTestAuthenticator, GOOD_KEY, OTHER_KEY } from '../../support/credentials';
import { createDisposal } from '../../support/disposal';
import { startServer } from '../../support/start-server';

const disposal = createDisposal();
const expose = async () => ({ contentType: 'text/plain', text: 'up 1\n' });
const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

describe('metrics while keys cannot be looked up', () => {
  it('are returned only to credentials that were valid on their last use', async () => {
    const authenticator = createTestAuthenticator(['metrics']);
    const { url } = await startServer(disposal, { authenticator, expose });
    expect((await fetch(`${url}/metrics`, as(GOOD_KEY))).status).toBe(200);
    authenticator.fail();

    expect(await (await fetch(`${url}/metrics`, as(GOOD_KEY))).text()).toBe('up 1\n');
    expect((await fetch(`${url}/metrics`, as(OTHER_KEY))).status).toBe(503);
    expect((await fetch(`${url}/metrics`)).status).toBe(503);
  });

  it('are not returned to a key that was revoked', async () => {
    const authenticator = createTestAuthenticator(['metrics']);
    const { url } = await startServer(disposal, { authenticator, expose });
    await fetch(`${url}/metrics`, as(GOOD_KEY));
    authenticator.revoke(GOOD_KEY);
    expect((await fetch(`${url}/metrics`, as(GOOD_KEY))).status).toBe(401);
    authenticator.fail();

    expect((await fetch(`${url}/metrics`, as(GOOD_KEY))).status).toBe(503);
  });
});

it('responds 404 if the server has no metrics', async () => {
  const { url } = await startServer(disposal);
  expect((await fetch(`${url}/metrics`, as(GOOD_KEY))).status).toBe(404);
});
