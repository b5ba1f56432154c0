/** Tokens while the key set of their issuer is unavailable. */

import { createJwtVerifier } from '../../../src/access/jwt';
import { createKeySetServer } from '../../access/key-set-server';
import { createTestAuthenticator } from '../../support/credentials';
import { createDisposal } from '../../support/disposal';
import { createRecordedLog } from '../../support/logs';
import { openRaw } from '../../support/raw-ws';
import { startServer } from '../../support/start-server';

const disposal = createDisposal();
const TOKEN = 'eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.e30.AAAA';

async function start() {
  const { log, lines } = createRecordedLog();
  const keySet = await createKeySetServer();
  await keySet.stop();
  const trusted = { source: { jwksUrl: keySet.url }, issuer: 'id', audience: 'kyc' };
  const { verify } = createJwtVerifier(trusted, () => new Date(0));
  const authenticator = { ...createTestAuthenticator(), authenticate: () => verify(TOKEN) };
  const server = await startServer(disposal, { log, authenticator, now: () => 0 });
  const problems = () => lines.filter(({ level }) => level === 'warn' || level === 'error');
  return { ...server, problems };
}

it('responds 503 over HTTP, closes WebSockets with 1013, and logs the cause at a limited rate', async () => {
  const { url, wsUrl, problems } = await start();
  const headers = { authorization: `Bearer ${TOKEN}` };
  for (let index = 0; index < 120; index += 1) {
    const answer = await fetch(`${url}/graphql?query={hello}`, { headers });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
    await answer.text();
  }
  const client = await openRaw(disposal, wsUrl);
  client.send({ type: 'connection_init', payload: headers });
  expect(await client.closed).toMatchObject({ code: 1013 });

  expect(problems()).toHaveLength(100);
  for (const line of problems()) {
    expect(line).toMatchObject({ level: 'warn', entryPoint: 'http', cause: 'ECONNREFUSED' });
    expect(line).not.toHaveProperty('err');
  }
});
