/** Wake-up over Redis only: a frozen server, passwords and TLS. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { spawnScript } from '../../cli/spawn';
import { createDisposal } from '../../support/disposal';
import { createRedisServer } from '../../support/services/own-redis';
import { describeWith } from '../../support/services/programs';
import { createTempDir } from '../../support/temp-dir';
import { until } from '../../support/until';
import { SERVICES, startInstance } from '../services';

const disposal = createDisposal();
const PASSWORD = 'S3CR3T-P4SSW0RD';

function redis() {
  const service = SERVICES.find(({ name }) => name === 'Redis');
  if (service === undefined) throw new Error('expected Redis among the services');
  return service;
}

describeWith('redis-server')('the wake-up over Redis', () => {
  it('does not wait for a frozen server, and reconnects when it responds', async () => {
    const server = await createRedisServer();
    disposal.defer(() => server.end());
    await server.start();
    const instance = startInstance(disposal, redis(), server.url, 'log');
    const other = startInstance(disposal, redis(), server.url, 'log');
    await until(() => instance.woken() > 0 && other.woken() > 0);

    server.freeze();
    const before = instance.woken();
    for (let count = 0; count < 1000; count += 1) instance.wakeup.wake();
    expect(instance.woken()).toBe(before + 1000);
    await until(() => instance.messages().length === 1); // the timeout has passed

    server.thaw();
    await until(() => instance.messages().length === 2);
    const otherBefore = other.woken();
    await until(() => {
      instance.wakeup.wake();
      return other.woken() > otherBefore;
    });
  });

  it('stops while the server is frozen', async () => {
    const server = await createRedisServer();
    disposal.defer(() => server.end());
    await server.start();
    const instance = startInstance(disposal, redis(), server.url, 'log');
    await until(() => instance.woken() > 0);
    server.freeze();
    instance.wakeup.wake();
    const early = startInstance(disposal, redis(), server.url, 'log');
    await Promise.all([instance.wakeup.close(), early.wakeup.close()]);
    expect([...instance.messages(), ...early.messages()]).toEqual([]);
  });

  it('logs a rejected password without its value', async () => {
    const server = await createRedisServer({ password: PASSWORD });
    disposal.defer(() => server.end());
    await server.start();
    const wrong = PASSWORD.toLowerCase();
    const url = server.url.replace(PASSWORD, wrong);
    const rejected = startInstance(disposal, redis(), url, 'log');
    const accepted = startInstance(disposal, redis(), server.url, 'log');
    await until(() => rejected.messages().length > 0 && accepted.woken() > 0);
    expect(rejected.logged).toMatchObject([
      {
        service: 'Redis',
        place: expect.stringMatching(/^REDIS_URL: 127\.0\.0\.1:\d+$/),
        err: { type: 'Error' },
      },
    ]);
    expect(JSON.stringify(rejected.logged)).not.toContain(wrong);
    expect(accepted.messages()).toEqual([]);
  });

  it('connects over TLS only if the certificate is trusted', async () => {
    const folder = await createTempDir(disposal);
    const tls = makeCertificate(folder);
    const server = await createRedisServer({ tls });
    disposal.defer(() => server.end());
    await server.start();

    const script = join(__dirname, 'wake-once.ts');
    const trusted = spawnScript(script, { NODE_EXTRA_CA_CERTS: tls.cert }, [server.url]);
    expect((await trusted.finished).out).toBe('woken\n');
    const untrusted = spawnScript(script, {}, [server.url]);
    expect((await untrusted.finished).out).toBe('disconnected\n');
  });
});

function makeCertificate(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const subject = [
    '-subj',
    '/CN=127.0.0.1',
    '-addext',
    'subjectAltName=IP:127.0.0.1',
    '-days',
    '2',
  ];
  execFileSync('openssl', [...request, '-nodes', ...subject, '-out', cert, '-keyout', key], {
    stdio: 'ignore',
  });
  return { cert, key };
}
