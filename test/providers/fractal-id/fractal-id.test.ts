import { SignatureError } from '../../../src/domain/errors';
import type { WebhookSecret } from '../../../src/providers/provider';
import { createProvider } from '../../contract/provider-specs';
import {
  catchError,
  parseMessage,
  readEvents,
  receive,
  toWebhookRequest,
} from '../../contract/receive';
import { signedRequest } from '../../support/sign';

const SECRET = 'a-secret-of-fractal-id';
const USER = '14ec6af0-12f8-4bce-a6ab-01ce87fa1812';

describe('classic format', () => {
  const provider = createProvider('fractal-id', [SECRET]);
  const sign = (body: object) => signedRequest('fractal-id', body, { secret: SECRET });
  const verification = (data: object = {}, type = 'verification_approved') =>
    sign({
      type,
      data: { level: 'basic', user_id: USER, timestamp: '2020-04-02T13:35:35Z', ...data },
    });

  it.each(['uniqueness', 'basic', 'plus', 'v1', 'somethingNew', 'walletless'])(
    'maps %s to a level',
    (level) => {
      expect(readEvents(provider, verification({ level }))).toMatchObject([
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
  ])('maps %s to an add-on', (level) => {
    expect(readEvents(provider, verification({ level }))).toMatchObject([
      { level, levelKind: 'ADD_ON' },
    ]);
  });

  it('has neither reasons nor `retryable` in a rejection', () => {
    const [event] = readEvents(provider, verification({}, 'verification_rejected'));

    expect(event).not.toHaveProperty('reasons');
    expect(event).not.toHaveProperty('retryable');
  });

  it('has different duplicate keys for levels, users and timestamps', () => {
    const keys = [
      verification(),
      verification({ level: 'liveness' }),
      verification({ user_id: 'another' }),
      verification({ timestamp: '2020-04-02T13:35:36Z' }),
      verification({}, 'verification_rejected'),
    ].map((request) => JSON.stringify(parseMessage(provider, request).duplicateKey));

    expect(new Set(keys).size).toBe(keys.length);
  });

  it('assigns a credential to its holder', () => {
    const data = {
      idos_human_id: 'human',
      credential_id: 'cred',
      shared_at: '2020-04-02T13:35:35Z',
    };

    expect(readEvents(provider, sign({ type: 'credential_shared', data }))).toEqual([
      {
        type: 'CREDENTIAL',
        subjectRef: 'human',
        credentialRef: 'cred',
        occurredAt: '2020-04-02T13:35:35.000000000Z',
      },
    ]);
  });

  it('has only a digest of an email address in the duplicate key', () => {
    const change = (email: string, user_id = USER) =>
      parseMessage(provider, sign({ type: 'email_changed', data: { user_id, email } }))
        .duplicateKey;

    expect(change('ada@example.org').join()).not.toContain('ada');
    expect(change('ada@example.org')).not.toEqual(change('eve@example.org'));
    expect(change('ada@example.org').at(-1)).not.toBe(change('ada@example.org', 'other').at(-1));
  });

  it('has no timestamp in an email change', () => {
    const data = { user_id: USER, email: 'ada@example.org' };
    const [event] = readEvents(provider, sign({ type: 'email_changed', data }));

    expect(event).not.toHaveProperty('occurredAt');
  });

  it.each(['ISO 8601 format timestamp', '2020-04-02T13:35:35', '2020-02-30T00:00:00Z', ''])(
    'quarantines an approval with the timestamp %j',
    (timestamp) => {
      expect(receive(provider, verification({ timestamp }))).toHaveProperty(
        'quarantined.code',
        'PAYLOAD_INVALID',
      );
    },
  );

  it('does not round user IDs', () => {
    const body = verification({ user_id: 0 })
      .body.toString()
      .replace('"user_id":0', '"user_id":9007199254740993');
    const request = signedRequest('fractal-id', body, { secret: SECRET });

    expect(readEvents(provider, request)).toMatchObject([{ subjectRef: '9007199254740993' }]);
  });

  it('rejects the signature of the Kraken format', () => {
    const body = { type: 'verification_approved' };
    const request = signedRequest('fractal-id', body, {
      secret: SECRET,
      fractalIdFormat: 'kraken',
    });

    expect(() => provider.verify(toWebhookRequest(request))).toThrow(SignatureError);
  });
});

describe('secret that is bound to a type', () => {
  const verify = (secrets: readonly WebhookSecret[], body: object | string, secret: string) => () =>
    createProvider('fractal-id', secrets).verify(
      toWebhookRequest(signedRequest('fractal-id', body, { secret })),
    );
  const forEmail = { secret: 'for-email', type: 'email_changed' };
  const forApproval = { secret: 'for-approval', type: 'verification_approved' };

  it('signs its type', () => {
    expect(verify([forEmail], { type: 'email_changed' }, 'for-email')).not.toThrow();
  });

  it('does not sign any other type', () => {
    const approval = { type: 'verification_approved' };

    expect(verify([forEmail, forApproval], approval, 'for-email')).toThrow(SignatureError);
    expect(verify([forEmail, forApproval], approval, 'for-approval')).not.toThrow();
  });

  it('signs every type that it is configured for', () => {
    const forBoth = [forEmail, { secret: 'for-email', type: 'credential_shared' }];

    expect(verify(forBoth, { type: 'credential_shared' }, 'for-email')).not.toThrow();
    expect(verify(forBoth, { type: 'verification_approved' }, 'for-email')).toThrow(SignatureError);
  });

  it('signs any type if it is also configured without a type', () => {
    const unbound = [forEmail, { secret: 'for-email' }];

    expect(verify(unbound, { type: 'verification_approved' }, 'for-email')).not.toThrow();
  });

  it.each([
    ['text that is not JSON', 'email_changed'],
    ['no type', '{}'],
    ['a type that is not a string', '{"type":["email_changed"]}'],
    ['two types', '{"type":"email_changed","type":"verification_approved"}'],
  ])('does not sign a body with %s', (_what, body) => {
    expect(verify([forEmail], body, 'for-email')).toThrow(SignatureError);
  });

  it('does not sign the Kraken format, which has no types', () => {
    const provider = createProvider('fractal-id', [forEmail], { fractalIdFormat: 'kraken' });
    const body = { type: 'email_changed', id: USER, status: 'approved' };
    const request = signedRequest('fractal-id', body, {
      secret: 'for-email',
      fractalIdFormat: 'kraken',
    });

    expect(() => provider.verify(toWebhookRequest(request))).toThrow(SignatureError);
  });
});

describe('Kraken format', () => {
  const provider = createProvider('fractal-id', [SECRET], { fractalIdFormat: 'kraken' });
  const sign = (body: object) =>
    signedRequest('fractal-id', body, { secret: SECRET, fractalIdFormat: 'kraken' });

  it('rejects the weaker signature of the classic format', () => {
    const request = signedRequest(
      'fractal-id',
      { id: USER, status: 'approved' },
      { secret: SECRET },
    );

    expect(catchError(() => provider.verify(toWebhookRequest(request))).code).toBe(
      'SIGNATURE_INVALID',
    );
  });

  it('quarantines a body of the classic format', () => {
    const body = { type: 'verification_approved', data: { user_id: USER, level: 'basic' } };

    expect(receive(provider, sign(body))).toHaveProperty('quarantined');
  });

  it('has the level `kyc` and no timestamp', () => {
    expect(readEvents(provider, sign({ id: USER, status: 'approved', note: '' }))).toEqual([
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

  it('reports a note without its content', () => {
    const request = sign({ id: USER, status: 'rejected', note: 'Ada Example, born 1815' });
    const outcome = receive(provider, request);

    expect(readEvents(provider, request)).toMatchObject([
      { status: 'REJECTED', reasons: [{ code: 'OTHER', providerCode: null, message: null }] },
    ]);
    expect(JSON.stringify(outcome)).not.toMatch(/Ada|1815/);
  });

  it.each(['', '  ', null, undefined])('has no reason if the note is %j', (note) => {
    const [event] = readEvents(provider, sign({ id: USER, status: 'rejected', note }));

    expect(event).not.toHaveProperty('reasons');
  });

  it('has different duplicate keys for different notes', () => {
    const key = (note: string) =>
      parseMessage(provider, sign({ id: USER, status: 'rejected', note })).duplicateKey;

    expect(key('one')).not.toEqual(key('two'));
  });
});
