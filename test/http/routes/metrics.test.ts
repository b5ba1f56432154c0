import { createTestAuthenticator, GOOD_KEY, OTHER_KEY } from '../../support/credentials';
import { createDisposal } from '../../support/disposal';
import { startServer } from '../../support/start-server';

const disposal = createDisposal();
const expose = async () => ({ contentType: 'text/plain', text: 'up 1\n' });
const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

describe('the metrics while keys cannot be looked up', () => {
  it('are shown to whom they were shown before, and to nobody else', async () => {
    const authenticator = createTestAuthenticator(['metrics']);
    const { url } = await startServer(disposal, { authenticator, expose });
    expect((await fetch(`${url}/metrics`, as(GOOD_KEY))).status).toBe(200);
    authenticator.fail();

    expect(await (await fetch(`${url}/metrics`, as(GOOD_KEY))).text()).toBe('up 1\n');
    expect((await fetch(`${url}/metrics`, as(OTHER_KEY))).status).toBe(503);
    expect((await fetch(`${url}/metrics`)).status).toBe(503);
  });

  it('are not shown to a key that was revoked before', async () => {
    const authenticator = createTestAuthenticator(['metrics']);
    const { url } = await startServer(disposal, { authenticator, expose });
    await fetch(`${url}/metrics`, as(GOOD_KEY));
    authenticator.revoke(GOOD_KEY);
    expect((await fetch(`${url}/metrics`, as(GOOD_KEY))).status).toBe(401);
    authenticator.fail();

    expect((await fetch(`${url}/metrics`, as(GOOD_KEY))).status).toBe(503);
  });
});

it('a server that is given none has no metrics', async () => {
  const { url } = await startServer(disposal);
  expect((await fetch(`${url}/metrics`, as(GOOD_KEY))).status).toBe(404);
});
