/** What only Redis does: it freezes, asks for a password, speaks TLS. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { spawnScript } from '../../cli/spawn';
import { createDisposal } from '../../support/disposal';
import { createRedisServer } from '../../support/own-redis';
import { describeWith } from '../../support/programs';
import { createTempDir } from '../../support/temp-dir';
import { until } from '../../support/until';
import { SERVICES, startInstance } from '../services';

const disposal = createDisposal();
const PASSWORD = 'S3CR3T-P4SSW0RD';

function redis() {
  const service = SERVICES.find(({ name }) => name === 'Redis');
  if (service === undefined) throw new Error('Redis is a service');
  return service;
}

describeWith('redis-server')('a Redis', () => {
  it('that has frozen keeps nobody waiting, and is heard again when it answers', async () => {
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
    await until(() => instance.said().length === 1); // it is given up

    server.thaw();
    await until(() => instance.said().length === 2);
    const heard = other.woken();
    await until(() => {
      instance.wakeup.wake();
      return other.woken() > heard;
    });
  });

  it('that has frozen does not keep an instance from stopping', async () => {
    const server = await createRedisServer();
    disposal.defer(() => server.end());
    await server.start();
    const instance = startInstance(disposal, redis(), server.url, 'log');
    await until(() => instance.woken() > 0);
    server.freeze();
    instance.wakeup.wake();
    const early = startInstance(disposal, redis(), server.url, 'log');
    await Promise.all([instance.wakeup.close(), early.wakeup.close()]);
    expect([...instance.said(), ...early.said()]).toEqual([]);
  });

  it('that does not take the password is told of without it', async () => {
    const server = await createRedisServer({ password: PASSWORD });
    disposal.defer(() => server.end());
    await server.start();
    const wrong = PASSWORD.toLowerCase();
    const url = server.url.replace(PASSWORD, wrong);
    const refused = startInstance(disposal, redis(), url, 'log');
    const let_in = startInstance(disposal, redis(), server.url, 'log');
    await until(() => refused.said().length > 0 && let_in.woken() > 0);
    expect(refused.logged).toMatchObject([
      {
        service: 'Redis',
        place: expect.stringMatching(/^REDIS_URL: 127\.0\.0\.1:\d+$/),
        err: { type: 'Error' },
      },
    ]);
    expect(JSON.stringify(refused.logged)).not.toContain(wrong);
    expect(let_in.said()).toEqual([]);
  });

  it('is reached over TLS, if its certificate is trusted', async () => {
    const folder = await createTempDir(disposal);
    const tls = makeCertificate(folder);
    const server = await createRedisServer({ tls });
    disposal.defer(() => server.end());
    await server.start();

    const script = join(__dirname, 'wake-once.ts');
    const trusting = spawnScript(script, { NODE_EXTRA_CA_CERTS: tls.cert }, [server.url]);
    expect((await trusting.finished).out).toBe('woken\n');
    const wary = spawnScript(script, {}, [server.url]);
    expect((await wary.finished).out).toBe('not reached\n');
  });
});

function makeCertificate(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const what = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const whose = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  execFileSync('openssl', [...what, '-nodes', ...whose, '-out', cert, '-keyout', key], {
    stdio: 'ignore',
  });
  return { cert, key };
}
