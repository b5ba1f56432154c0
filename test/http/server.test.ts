import { once } from 'node:events';
import { Agent, get } from 'node:http';
import type { Ingest } from '../../src/http/routes/webhooks';
import { createDisposal } from '../support/disposal';
import { createRecordedLog } from '../support/logs';
import { connectRaw } from '../support/raw-http';
import { startServer } from '../support/start-server';
import { until } from '../support/until';

const disposal = createDisposal();

/** Creates an ingest that resolves on demand. */
function createSlowIngest() {
  const waiting: (() => void)[] = [];
  const ingest: Ingest = async () => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return { deliveryId: 1, disposition: 'APPLIED', duplicate: false, changes: 1 };
  };
  return { ingest, waiting };
}

describe('the server', () => {
  it('returns the selected free port', async () => {
    const { port } = await startServer(disposal);
    expect(port).toBeGreaterThan(0);
  });

  it('fails to listen on a port in use', async () => {
    const { port } = await startServer(disposal);
    await expect(startServer(disposal, { port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('drops and logs connections over the limit, and accepts new ones after others close', async () => {
    const { log, lines } = createRecordedLog();
    const limits = { http: { maxTcpConnections: 2 } };
    const { port, url } = await startServer(disposal, { log, limits });
    const [first, second] = [connectRaw(disposal, port), connectRaw(disposal, port)];
    for (const { socket } of [first, second]) await once(socket, 'connect');
    await connectRaw(disposal, port).ended;
    await until(() => lines.some(({ msg }) => msg === 'too many connections'));
    first.socket.destroy();
    await first.ended;
    await until(() =>
      fetch(`${url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  });

  it('logs the route and never the path, which may contain a secret', async () => {
    const { log, lines } = createRecordedLog();
    const { url } = await startServer(disposal, { log });
    await fetch(`${url}/webhooks/paycaddy/hunter2?token=hunter2`, { method: 'POST', body: '{}' });
    await until(() => lines.some(({ route }) => route === '/webhooks/*'));
    expect(lines).toContainEqual(
      expect.objectContaining({ method: 'POST', route: '/webhooks/*', status: 200 }),
    );
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });
});

/** Closes the server while a webhook is being stored. */
async function closeWhileStoring() {
  const { ingest, waiting } = createSlowIngest();
  const { url, server } = await startServer(disposal, { ingest });
  const answer = fetch(`${url}/webhooks/sumsub`, { method: 'POST', body: '{}' });
  await until(() => waiting.length === 1);
  const closed = server.close();
  waiting[0]?.();
  return { url, answer: await answer, closed };
}

const POST = 'POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}';

describe('closing the server', () => {
  it('finishes requests in progress', async () => {
    const { url, answer, closed } = await closeWhileStoring();
    expect(answer.status).toBe(200);
    await closed;
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  // Regression: idle connections were closed at once, with any request in transit: half of all clients lost a webhook.
  it('serves a request on an idle connection, with Connection: close in the response', async () => {
    const limits = { http: { lastRequestMs: 60_000 } };
    const { port, server } = await startServer(disposal, { limits });
    const raw = connectRaw(disposal, port);
    raw.write(POST);
    await until(() => raw.received().includes('APPLIED'));
    expect(raw.received()).not.toMatch(/connection: close/i);
    const closed = server.close();
    raw.write(POST);
    await raw.ended;
    expect(raw.received().match(/200 OK/g)).toHaveLength(2);
    expect(raw.received()).toMatch(/connection: close/i);
    await closed;
  });

  it('adds Connection: close to a pending response', async () => {
    const { answer, closed } = await closeWhileStoring();
    expect(answer.headers.get('connection')).toBe('close');
    await closed;
  });

  it('does not wait for idle connections', async () => {
    const { url, server } = await startServer(disposal);
    const agent = new Agent({ keepAlive: true });
    disposal.defer(() => agent.destroy());
    const request = get(`${url}/healthz`, { agent });
    const [response] = await once(request, 'response');
    response.resume();
    await once(response, 'end');
    await server.close();
  });

  it('closes a connection whose request does not finish', async () => {
    const { ingest } = createSlowIngest();
    const limits = { http: { drainMs: 50 } };
    const { port, server } = await startServer(disposal, { ingest, limits });
    const raw = connectRaw(disposal, port);
    raw.write('POST /webhooks/sumsub HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc');
    await once(raw.socket, 'connect');
    await server.close();
    await raw.ended;
  });
});
