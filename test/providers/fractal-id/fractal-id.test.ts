import { SignatureError } from '../../../src/domain/errors';
import type { WebhookSecret } from '../../../src/providers/provider';
import { errorOf, eventsOf, messageOf, receive, toWebhookRequest } from '../../contract/receive';
import { createProvider } from '../../contract/subjects';
import { signedRequest } from '../../support/sign';

const SECRET = 'a-secret-of-fractal-id';
const USER = '14ec6af0-12f8-4bce-a6ab-01ce87fa1812';

describe('the classic format', () => {
  const provider = createProvider('fractal-id', [SECRET]);
  const sign = (body: object) => signedRequest('fractal-id', body, { secret: SECRET });
  const verification = (data: object = {}, type = 'verification_approved') =>
    sign({
      type,
      data: { level: 'basic', user_id: USER, timestamp: '2020-04-02T13:35:35Z', ...data },
    });

  it.each(['uniqueness', 'basic', 'plus', 'v1', 'somethingNew', 'walletless'])(
    'takes %s for a level',
    (level) => {
      expect(eventsOf(provider, verification({ level }))).toMatchObject([
        { level, levelKind: 'LEVEL' },
      ]);
    },
  );

  it.each([
    'liveness',
    'selfie',
    'sow',
    'ssn',
    'telegram',
    'twitter',
    'uniq',
    'idos',
    'wallet',
    'wallet-ada',
    'wallet-algo',
    'wallet-btc',
    'wallet-eth',
    'wallet-kar',
    'wallet-sol',
    'wallet-substrate',
    'wallet-of-tomorrow',
  ])('takes %s for an add-on', (level) => {
    expect(eventsOf(provider, verification({ level }))).toMatchObject([
      { level, levelKind: 'ADD_ON' },
    ]);
  });

  it('gives no reason for a rejection, and does not say whether to try again', () => {
    const [event] = eventsOf(provider, verification({}, 'verification_rejected'));

    expect(event).not.toHaveProperty('reasons');
    expect(event).not.toHaveProperty('retryable');
  });

  it('tells two levels, two users and two moments apart', () => {
    const keys = [
      verification(),
      verification({ level: 'liveness' }),
      verification({ user_id: 'another' }),
      verification({ timestamp: '2020-04-02T13:35:36Z' }),
      verification({}, 'verification_rejected'),
    ].map((request) => JSON.stringify(messageOf(provider, request).duplicateKey));

    expect(new Set(keys).size).toBe(keys.length);
  });

  it('ties a credential to the holder whom the message names', () => {
    const data = {
      idos_human_id: 'human',
      credential_id: 'cred',
      shared_at: '2020-04-02T13:35:35Z',
    };

    expect(eventsOf(provider, sign({ type: 'credential_shared', data }))).toEqual([
      {
        type: 'CREDENTIAL',
        subjectRef: 'human',
        credentialRef: 'cred',
        occurredAt: '2020-04-02T13:35:35.000000000Z',
      },
    ]);
  });

  it('keeps an e-mail address out of the duplicate key, and two of them apart', () => {
    const change = (email: string, user_id = USER) =>
      messageOf(provider, sign({ type: 'email_changed', data: { user_id, email } })).duplicateKey;

    expect(change('ada@example.org').join()).not.toContain('ada');
    expect(change('ada@example.org')).not.toEqual(change('eve@example.org'));
    expect(change('ada@example.org').at(-1)).not.toBe(change('ada@example.org', 'other').at(-1));
  });

  it('dates no change of e-mail: the vendor does not', () => {
    const data = { user_id: USER, email: 'ada@example.org' };
    const [event] = eventsOf(provider, sign({ type: 'email_changed', data }));

    expect(event).not.toHaveProperty('occurredAt');
  });

  it.each(['ISO 8601 format timestamp', '2020-04-02T13:35:35', '2020-02-30T00:00:00Z', ''])(
    'approves nobody at %j',
    (timestamp) => {
      expect(receive(provider, verification({ timestamp }))).toHaveProperty(
        'quarantined.code',
        'PAYLOAD_INVALID',
      );
    },
  );

  it('does not round the id of a user to that of another', () => {
    const body = verification({ user_id: 0 })
      .body.toString()
      .replace('"user_id":0', '"user_id":9007199254740993');
    const request = signedRequest('fractal-id', body, { secret: SECRET });

    expect(eventsOf(provider, request)).toMatchObject([{ subjectRef: '9007199254740993' }]);
  });

  it('refuses the signature of the other format', () => {
    const body = { type: 'verification_approved' };
    const request = signedRequest('fractal-id', body, {
      secret: SECRET,
      fractalIdFormat: 'kraken',
    });

    expect(() => provider.verify(toWebhookRequest(request))).toThrow(SignatureError);
  });
});

describe('a secret that is bound to a type', () => {
  const verify = (secrets: readonly WebhookSecret[], body: object | string, secret: string) => () =>
    createProvider('fractal-id', secrets).verify(
      toWebhookRequest(signedRequest('fractal-id', body, { secret })),
    );
  const forEmail = { secret: 'for-email', type: 'email_changed' };
  const forApproval = { secret: 'for-approval', type: 'verification_approved' };

  it('proves its type', () => {
    expect(verify([forEmail], { type: 'email_changed' }, 'for-email')).not.toThrow();
  });

  it('proves no other type: its holder cannot approve anybody', () => {
    const approval = { type: 'verification_approved' };

    expect(verify([forEmail, forApproval], approval, 'for-email')).toThrow(SignatureError);
    expect(verify([forEmail, forApproval], approval, 'for-approval')).not.toThrow();
  });

  it('proves every type that it is configured for', () => {
    const forBoth = [forEmail, { secret: 'for-email', type: 'credential_shared' }];

    expect(verify(forBoth, { type: 'credential_shared' }, 'for-email')).not.toThrow();
    expect(verify(forBoth, { type: 'verification_approved' }, 'for-email')).toThrow(SignatureError);
  });

  it('proves any type if it is configured without one as well', () => {
    const loose = [forEmail, { secret: 'for-email' }];

    expect(verify(loose, { type: 'verification_approved' }, 'for-email')).not.toThrow();
  });

  it.each([
    ['no JSON', 'email_changed'],
    ['no type', '{}'],
    ['a type that is no word', '{"type":["email_changed"]}'],
    ['two types', '{"type":"email_changed","type":"verification_approved"}'],
  ])('proves nothing in a body with %s', (_what, body) => {
    expect(verify([forEmail], body, 'for-email')).toThrow(SignatureError);
  });

  it('proves nothing in the Kraken format, which has no types', () => {
    const provider = createProvider('fractal-id', [forEmail], { fractalIdFormat: 'kraken' });
    const body = { type: 'email_changed', id: USER, status: 'approved' };
    const request = signedRequest('fractal-id', body, {
      secret: 'for-email',
      fractalIdFormat: 'kraken',
    });

    expect(() => provider.verify(toWebhookRequest(request))).toThrow(SignatureError);
  });
});

describe('the Kraken format', () => {
  const provider = createProvider('fractal-id', [SECRET], { fractalIdFormat: 'kraken' });
  const sign = (body: object) =>
    signedRequest('fractal-id', body, { secret: SECRET, fractalIdFormat: 'kraken' });

  it('refuses the weaker signature of the classic format', () => {
    const request = signedRequest(
      'fractal-id',
      { id: USER, status: 'approved' },
      { secret: SECRET },
    );

    expect(errorOf(() => provider.verify(toWebhookRequest(request))).code).toBe(
      'SIGNATURE_INVALID',
    );
  });

  it('does not look at a body of the classic format to change its mind', () => {
    const body = { type: 'verification_approved', data: { user_id: USER, level: 'basic' } };

    expect(receive(provider, sign(body))).toHaveProperty('quarantined');
  });

  it('approves a level of the one name that we give it, without a date', () => {
    expect(eventsOf(provider, sign({ id: USER, status: 'approved', note: '' }))).toEqual([
      {
        type: 'STATUS',
        subjectRef: USER,
        level: 'kyc',
        levelKind: 'LEVEL',
        status: 'APPROVED',
        providerStatus: 'approved',
      },
    ]);
  });

  it('says that there is a note, and not what is in it', () => {
    const request = sign({ id: USER, status: 'rejected', note: 'Ada Example, born 1815' });
    const outcome = receive(provider, request);

    expect(eventsOf(provider, request)).toMatchObject([
      { status: 'REJECTED', reasons: [{ code: 'OTHER', providerCode: null, message: null }] },
    ]);
    expect(JSON.stringify(outcome)).not.toMatch(/Ada|1815/);
  });

  it.each(['', '  ', null, undefined])('gives no reason where the note is %j', (note) => {
    const [event] = eventsOf(provider, sign({ id: USER, status: 'rejected', note }));

    expect(event).not.toHaveProperty('reasons');
  });

  it('tells two notes apart', () => {
    const key = (note: string) =>
      messageOf(provider, sign({ id: USER, status: 'rejected', note })).duplicateKey;

    expect(key('one')).not.toEqual(key('two'));
  });
});
