import { StoreUnavailableError } from '../../../src/domain/errors';
import { createDisposal } from '../../support/disposal';
import { startServer } from '../../support/start-server';

const disposal = createDisposal();
const away = {
  async assertReady() {
    throw new StoreUnavailableError();
  },
};

describe('health', () => {
  it('is good while the process answers, whatever the store does', async () => {
    const { url } = await startServer(disposal, { store: away });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('is readiness only with the store', async () => {
    const ready = await startServer(disposal);
    expect((await fetch(`${ready.url}/readyz`)).status).toBe(200);
    const { url } = await startServer(disposal, { store: away });
    const answer = await fetch(`${url}/readyz`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
  });

  it('answers HEAD without a body', async () => {
    const { url } = await startServer(disposal);
    const answer = await fetch(`${url}/healthz`, { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('');
  });

  it('is asked without credentials, and nothing else is there', async () => {
    const { url } = await startServer(disposal);
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
    expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(405);
  });
});
