/** Responses to providers and to attackers, and the stored deliveries. */

import { gzipSync } from 'node:zlib';
import { paycaddy } from '../store/provider-deliveries';
import { bytesOf } from '../support/databases';
import { createDisposal } from '../support/disposal';
import { createRecordedLog } from '../support/logs';
import { connectRaw } from '../support/raw-http';
import { type ProviderName, type SigningOptions, signedRequest } from '../support/sign';
import { type Reply, SECRETS, startGateway, type TestGateway } from './support/gateway';
import { APPROVALS } from './support/messages';
import { deliveriesOf, logOf, verifiedUsers } from './support/state';

const disposal = createDisposal();
const MIB = 1024 * 1024;

const VENDORS: readonly ProviderName[] = ['fractal-id', 'sumsub', 'paycaddy', 'p100'];
const SIGNING: readonly ProviderName[] = ['fractal-id', 'sumsub'];

async function expectNothingKept(gateway: TestGateway): Promise<void> {
  const { data } = await gateway.ask(
    '{ webhookDeliveries { totalCount } users { totalCount } statusChanges { totalCount } }',
  );
  expect(data).toEqual({
    webhookDeliveries: { totalCount: 0 },
    users: { totalCount: 0 },
    statusChanges: { totalCount: 0 },
  });
}

function codeOf({ text }: Reply): unknown {
  return JSON.parse(text).error?.code;
}

describe('a message that is not authentic', () => {
  it.each(SIGNING)('of %s because one byte was changed is refused and not kept', async (vendor) => {
    const gateway = await startGateway(disposal);
    const request = signedRequest(vendor, APPROVALS[vendor], { secret: SECRETS[vendor] });
    const body = Buffer.from(request.body);
    body[body.length - 2] = (body[body.length - 2] ?? 0) ^ 1;

    const reply = await gateway.send({ ...request, body });

    expect([reply.status, codeOf(reply)]).toEqual([401, 'SIGNATURE_INVALID']);
    await expectNothingKept(gateway);
  });

  it.each(VENDORS)('of %s because the proof is missing is refused and not kept', async (vendor) => {
    const gateway = await startGateway(disposal);
    const { body } = signedRequest(vendor, APPROVALS[vendor], { secret: SECRETS[vendor] });

    const reply = await gateway.send({ path: `/webhooks/${vendor}`, headers: {}, body });

    expect([reply.status, codeOf(reply)]).toEqual([401, 'SIGNATURE_INVALID']);
    await expectNothingKept(gateway);
  });

  it.each<[ProviderName, Partial<SigningOptions>]>([
    ['fractal-id', {}],
    ['sumsub', {}],
    ['paycaddy', { paycaddySecretIn: 'path' }],
    ['paycaddy', { paycaddySecretIn: 'header' }],
    ['p100', {}],
  ])('of %s by a secret that is not ours is refused and not kept', async (vendor, proof) => {
    const gateway = await startGateway(disposal);
    const others = VENDORS.filter((other) => other !== vendor).map((other) => SECRETS[other]);
    const secrets = ['a-secret-of-nobody', `${SECRETS[vendor]}x`, ...others];

    for (const secret of secrets) {
      const reply = await gateway.post(vendor, APPROVALS[vendor], { ...proof, secret });
      expect([reply.status, codeOf(reply)]).toEqual([401, 'SIGNATURE_INVALID']);
      expect(reply.text).not.toContain(secret);
    }
    await expectNothingKept(gateway);
  });

  it('does not learn why its proof was rejected', async () => {
    const gateway = await startGateway(disposal);
    const request = signedRequest('sumsub', APPROVALS.sumsub, { secret: SECRETS.sumsub });

    const unsigned = await gateway.send({ ...request, headers: {} });
    const weak = await gateway.post('sumsub', APPROVALS.sumsub, { sumsubDigest: 'sha1' });
    const wrong = await gateway.post('sumsub', APPROVALS.sumsub, { secret: 'wrong' });

    expect(new Set([unsigned.text, weak.text, wrong.text]).size).toBe(1);
  });

  it('is one of the other format of Fractal ID', async () => {
    const gateway = await startGateway(disposal, { env: { FRACTAL_ID_FORMAT: 'kraken' } });
    const approval = { id: 'ada', status: 'approved', note: '' };

    const classic = await gateway.post('fractal-id', approval, { fractalIdFormat: 'classic' });
    const kraken = await gateway.post('fractal-id', approval, { fractalIdFormat: 'kraken' });

    expect([classic.status, kraken.status]).toEqual([401, 200]);
    expect(await verifiedUsers(gateway)).toEqual(['ada']);
  });

  it('is one that a secret of another type has signed', async () => {
    const env = { WEBHOOK_SECRETS_FRACTAL_ID: 'email_changed=for-mail,credential_shared=for-idos' };
    const gateway = await startGateway(disposal, { env });
    const mail = { type: 'email_changed', data: { user_id: 'ada', email: 'ada@example.org' } };

    const approval = await gateway.post('fractal-id', APPROVALS['fractal-id'], {
      secret: 'for-mail',
    });
    const covered = await gateway.post('fractal-id', mail, { secret: 'for-mail' });

    expect([approval.status, covered.status]).toEqual([401, 200]);
    expect(await verifiedUsers(gateway)).toEqual([]);
  });
});

describe('an authentic message', () => {
  it('may be proven by any of several secrets', async () => {
    const env = { WEBHOOK_SECRETS_SUMSUB: 'the-new-one, the-old-one' };
    const gateway = await startGateway(disposal, { env });

    const byNew = await gateway.post('sumsub', APPROVALS.sumsub, { secret: 'the-new-one' });
    const byOld = await gateway.post('sumsub', APPROVALS.sumsub, { secret: 'the-old-one' });

    expect([byNew.kept?.duplicate, byOld.kept?.duplicate]).toEqual([false, true]);
  });

  it('may be signed with SHA-1 where that is allowed', async () => {
    const env = { SUMSUB_MINIMUM_DIGEST: 'sha1' };
    const gateway = await startGateway(disposal, { env });

    const reply = await gateway.post('sumsub', APPROVALS.sumsub, { sumsubDigest: 'sha1' });

    expect(reply.kept?.disposition).toBe('APPLIED');
  });

  it.each(VENDORS)('of %s may have its header names in any case', async (vendor) => {
    const gateway = await startGateway(disposal);
    const proof = { secret: SECRETS[vendor], paycaddySecretIn: 'header' } as const;
    const { path, headers, body } = signedRequest(vendor, APPROVALS[vendor], proof);
    const spelled = [spellOddly, (name: string) => name.toUpperCase()].map((spell) =>
      Object.entries(headers).map(([name, value]) => `${spell(name)}: ${value}\r\n`),
    );

    for (const lines of spelled) {
      const raw = connectRaw(disposal, gateway.port);
      raw.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines.join('')}`);
      raw.write(`Content-Length: ${body.length}\r\n\r\n${body}`);
      expect(await raw.ended).toMatch(/^HTTP\/1.1 200 /);
    }
    expect((await deliveriesOf(gateway)).nodes).toMatchObject([{ duplicates: 1 }]);
  });

  it('sent a hundred times at the same instant is applied once', async () => {
    const gateway = await startGateway(disposal);

    const replies = await Promise.all(
      Array.from({ length: 100 }, () => gateway.post('sumsub', APPROVALS.sumsub)),
    );

    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(replies.map(({ kept }) => kept?.deliveryId)).size).toBe(1);
    expect(replies.filter(({ kept }) => kept?.duplicate === false)).toHaveLength(1);
    expect(await deliveriesOf(gateway)).toMatchObject({
      totalCount: 1,
      nodes: [{ duplicates: 99, disposition: 'APPLIED' }],
    });
    expect(await logOf(gateway)).toHaveLength(1);
  });

  it('of a provider without timestamps, sent a hundred times at once, is applied once', async () => {
    const gateway = await startGateway(disposal);

    await Promise.all(Array.from({ length: 100 }, () => gateway.post('p100', APPROVALS.p100)));

    expect((await deliveriesOf(gateway)).nodes).toMatchObject([{ duplicates: 99 }]);
    expect(await logOf(gateway)).toHaveLength(1);
  });

  it('among a thousand others, all at once, is never lost', async () => {
    const gateway = await startGateway(disposal);
    const users = Array.from({ length: 1000 }, (_, index) => `user-${index}`);

    const replies = await Promise.all(
      users.map((user, index) =>
        index % 10 === 0
          ? gateway.post('sumsub', `unreadable ${user}`)
          : gateway.post('paycaddy', paycaddy('verified', user, 1)),
      ),
    );

    expect(replies.filter(({ status }) => status !== 200)).toEqual([]);
    const { data } = await gateway.ask(
      `{ webhookDeliveries { totalCount }
         users(filter: { verificationStatus: VERIFIED }) { totalCount } }`,
    );
    expect(data).toEqual({ webhookDeliveries: { totalCount: 1000 }, users: { totalCount: 900 } });
  });

  it('that is unreadable is stored byte for byte, with the reason', async () => {
    const gateway = await startGateway(disposal);
    const body = '{ "type": "applicantReviewed", ';

    const { status, kept } = await gateway.post('sumsub', body);

    expect([status, kept?.disposition]).toEqual([200, 'QUARANTINED']);
    expect((await deliveriesOf(gateway)).nodes).toEqual([
      { disposition: 'QUARANTINED', duplicates: 0, reason: expect.any(String), rawBody: body },
    ]);
  });

  it('leaves no word about a person, and no secret, in the log or on the disk', async () => {
    const { log, lines } = createRecordedLog();
    const gateway = await startGateway(disposal, { log });
    const person = 'Zebedia Quixworthy';
    const mail = { type: 'email_changed', data: { user_id: 'x', email: 'zebedia@example.org' } };

    await gateway.post('paycaddy', { ...paycaddy('verified', 'x', 1), fullName: person });
    await gateway.post('paycaddy', { fullName: person });
    await gateway.post('fractal-id', mail);
    await gateway.send(signedRequest('paycaddy', '{}', { secret: 'a-former-secret' }));
    await gateway.stop();

    const told = [person, 'zebedia', ...Object.values(SECRETS), 'a-former-secret'];
    const written = (await bytesOf(gateway.config.database)).toString('latin1');
    const all = [JSON.stringify(lines), written].join('\n');
    expect(lines.length).toBeGreaterThan(3);
    expect(written).toContain('paycaddy');
    expect(told.filter((word) => all.includes(word))).toEqual([]);
  });
});

describe('a request that is no delivery', () => {
  it.each(['/webhooks/nobody', '/webhooks/__proto__', '/webhooks/constructor', '/webhooks/'])(
    'to %s is not found',
    async (path) => {
      const gateway = await startGateway(disposal);

      const reply = await gateway.send({ path, headers: {}, body: Buffer.from('{}') });

      expect([reply.status, codeOf(reply)]).toEqual([404, 'PROVIDER_UNKNOWN']);
    },
  );

  it('to a provider without a configured secret is not found, with any proof', async () => {
    const gateway = await startGateway(disposal, { env: { WEBHOOK_SECRETS_P100: undefined } });

    const replies = [
      await gateway.post('p100', APPROVALS.p100),
      await gateway.post('p100', APPROVALS.p100, { secret: '' }),
      await gateway.post('p100', APPROVALS.p100, { secret: 'undefined' }),
    ];

    expect(replies.map(({ status }) => status)).toEqual([404, 404, 404]);
    await expectNothingKept(gateway);
  });

  it('because it is over 1 MiB is refused, signed or not; 1 MiB is kept', async () => {
    const gateway = await startGateway(disposal);

    const larger = await gateway.post('sumsub', Buffer.alloc(MIB + 1, ' '));
    await expectNothingKept(gateway);
    const largest = await gateway.post('sumsub', Buffer.alloc(MIB, ' '));

    expect([larger.status, codeOf(larger)]).toEqual([413, 'BODY_TOO_LARGE']);
    expect([largest.status, largest.kept?.disposition]).toEqual([200, 'QUARANTINED']);
  });

  it('because a proxy compressed it after it was signed is refused', async () => {
    const gateway = await startGateway(disposal);
    const request = signedRequest('sumsub', APPROVALS.sumsub, { secret: SECRETS.sumsub });

    const headers = { ...request.headers, 'content-encoding': 'gzip' };
    const reply = await gateway.send({ ...request, body: gzipSync(request.body), headers });

    expect([reply.status, codeOf(reply)]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    await expectNothingKept(gateway);
  });

  it.each(['GET', 'PUT', 'DELETE', 'PATCH'])('because it is a %s is refused', async (method) => {
    const gateway = await startGateway(disposal);

    const answer = await fetch(`${gateway.url}/webhooks/sumsub`, { method });

    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('while the store is away', () => {
  it.each(VENDORS)('%s is asked to retry, and loses nothing', async (vendor) => {
    const gateway = await startGateway(disposal);
    await gateway.store.close();

    const away = await gateway.post(vendor, APPROVALS[vendor]);
    expect([away.status, codeOf(away)]).toEqual([503, 'STORE_UNAVAILABLE']);
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(away.text).not.toMatch(/sql|select|\//i);

    await gateway.restart();
    const back = await gateway.post(vendor, APPROVALS[vendor]);
    expect([back.status, back.kept?.duplicate]).toEqual([200, false]);
    expect(await verifiedUsers(gateway)).toEqual(['ada']);
  });

  it('with a wrong proof is still rejected, and the probes differ', async () => {
    const gateway = await startGateway(disposal);
    await gateway.store.close();

    const forged = await gateway.post('sumsub', APPROVALS.sumsub, { secret: 'wrong' });
    const alive = await fetch(`${gateway.url}/healthz`);
    const ready = await fetch(`${gateway.url}/readyz`);

    expect([forged.status, alive.status, ready.status]).toEqual([401, 200, 503]);
  });
});

function spellOddly(name: string): string {
  return [...name]
    .map((letter, at) => (at % 2 ? letter.toUpperCase() : letter.toLowerCase()))
    .join('');
}
