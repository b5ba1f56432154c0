import { StoreUnavailableError } from '../../../src/domain/errors';
import { createDisposal } from '../../support/disposal';
import { startServer } from '../../support/start-server';

const disposal = createDisposal();
const unavailable = {
  async assertReady() {
    throw new StoreUnavailableError();
  },
};

describe('health checks', () => {
  it('report liveness while the database is unavailable', async () => {
    const { url } = await startServer(disposal, { store: unavailable });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('report readiness only while the database is available', async () => {
    const ready = await startServer(disposal);
    expect((await fetch(`${ready.url}/readyz`)).status).toBe(200);
    const { url } = await startServer(disposal, { store: unavailable });
    const answer = await fetch(`${url}/readyz`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
  });

  it('respond to HEAD without a body', async () => {
    const { url } = await startServer(disposal);
    const answer = await fetch(`${url}/healthz`, { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('');
  });

  it('need no credentials, and support no other method or path', async () => {
    const { url } = await startServer(disposal);
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
    expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(405);
  });
});
