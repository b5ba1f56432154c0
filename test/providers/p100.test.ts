import { SignatureError } from '../../src/domain/errors';
import { createProvider } from '../contract/provider-specs';
import { parseMessage, readEvents, receive, toWebhookRequest } from '../contract/receive';
import { signedRequest } from '../support/sign';

const SECRET = 'p100-webhook-token';
const provider = createProvider('p100', [SECRET]);
const sign = (body: object | string) => signedRequest('p100', body, { secret: SECRET });

const message = (fields: object = {}) => ({
  externalUserId: 'user-7',
  verificationStatus: 'NOT_VERIFIED',
  attemptStatus: 'REJECTED_BY_PROVIDER',
  rejectionReason: 'NO_FACE_FOUND',
  ...fields,
});
const event = (fields: object) => readEvents(provider, sign(message(fields)))[0];

describe('token', () => {
  const verify = (authorization: string) => () =>
    provider.verify(
      toWebhookRequest({
        path: '/webhooks/p100/webhook/kyc-verification/status',
        headers: { Authorization: authorization },
        body: Buffer.from('{}'),
      }),
    );

  it.each([SECRET, `Bearer ${SECRET}`, `bearer ${SECRET}`])('is accepted as %j', (value) => {
    expect(verify(value)()).toEqual({
      trust: 'TOKEN',
      subpath: 'webhook/kyc-verification/status',
    });
  });

  it.each([
    '',
    'Bearer ',
    'Bearer',
    `Basic ${SECRET}`,
    `Bearer Bearer ${SECRET}`,
    `Bearer${SECRET}`,
    `${SECRET}, ${SECRET}`,
    SECRET.toUpperCase(),
  ])('is rejected as %j', (value) => {
    expect(verify(value)).toThrow(SignatureError);
  });

  it('can start with the text `Bearer`', () => {
    const adapter = createProvider('p100', ['Bearer token']);
    const request = signedRequest('p100', '{}', { secret: 'Bearer token' });

    expect(() => adapter.verify(toWebhookRequest(request))).not.toThrow();
  });
});

describe('path', () => {
  const at = (subpath: string, body: string = JSON.stringify(message())) => ({
    ...sign(body),
    path: `/webhooks/p100${subpath}`,
  });

  it.each([
    '/webhook/kyc-verification/status',
    '/webhook/kyc-verification/status/',
    '/webhook/kyc-verification/status//',
    '//webhook/kyc-verification/status',
    '/webhook//kyc-verification/status',
    '/Webhook/KYC-Verification/STATUS',
    '/webhook/kyc-verification/status/webhook/kyc-verification/status',
    '/webhook/kyc-verification/status//webhook/kyc-verification/status/',
    '',
    '/',
    '//',
  ])('%j is a verification status', (subpath) => {
    expect(parseMessage(provider, at(subpath)).eventType).toBe('kyc-verification/status');
    expect(readEvents(provider, at(subpath))).toEqual(readEvents(provider, sign(message())));
  });

  it.each([
    ['/webhook/user/status', 'user/status', '{"externalUserId":"user-7","status":"ACTIVE"}'],
    ['//Webhook/user/status/', 'user/status', '{"externalUserId":"user-7","status":"ACTIVE"}'],
    ['/webhook/kyc-verification/status/webhook/user/status', 'user/status', '{}'],
    ['/webhook/health', 'health', ''],
  ])('%j is not tracked', (subpath, eventType, body) => {
    expect(receive(provider, at(subpath, body))).toMatchObject({ eventType, ignored: true });
  });

  it.each([
    ['/webhook/poa/status', '{"status":"APPROVED"}'],
    ['/webhook/kyc-verification/status/more', '{}'],
    ['/webhook/kyc-verification/status', undefined],
    ['/constructor', 'not JSON'],
  ])('%j with the body %j is quarantined', (subpath, body) => {
    const outcome = receive(provider, at(`/somewhere${subpath}`, body));

    expect(outcome).toHaveProperty('quarantined.code', 'TYPE_UNKNOWN');
  });

  it('is not copied to the error if it is unknown', () => {
    const outcome = receive(provider, at('/webhook/zoe%40example.org', '{}'));

    expect(JSON.stringify(outcome)).not.toContain('zoe');
  });

  it('of another type quarantines a verification status', () => {
    const approval = JSON.stringify(message({ verificationStatus: 'VERIFIED' }));

    expect(receive(provider, at('/webhook/user/status', approval))).toHaveProperty(
      'quarantined.code',
      'TYPE_UNKNOWN',
    );
  });
});

describe('status', () => {
  it('has the customer’s ID, the level `kyc` and no timestamp', () => {
    expect(event({ attemptStatus: 'PENDING' })).toEqual({
      type: 'STATUS',
      subjectRef: 'user-7',
      externalUserId: 'user-7',
      level: 'kyc',
      levelKind: 'LEVEL',
      levelStatus: 'NOT_VERIFIED',
      status: 'PENDING',
      providerStatus: 'NOT_VERIFIED/PENDING',
    });
  });

  it.each([undefined, null, ''])(
    'has no attempt status if `attemptStatus` is %j',
    (attemptStatus) => {
      const userEvent = event({ verificationStatus: 'VERIFIED', attemptStatus });

      expect(userEvent).toMatchObject({ levelStatus: 'VERIFIED', providerStatus: 'VERIFIED' });
      expect(userEvent).not.toHaveProperty('status');
    },
  );

  it('keeps a verified user verified if another attempt fails', () => {
    expect(event({ verificationStatus: 'VERIFIED' })).toMatchObject({
      levelStatus: 'VERIFIED',
      status: 'REJECTED',
      providerStatus: 'VERIFIED/REJECTED_BY_PROVIDER',
    });
  });

  it('does not verify a user by an attempt status', () => {
    expect(event({ attemptStatus: 'SUCCESSFUL' })).toMatchObject({
      levelStatus: 'NOT_VERIFIED',
      status: 'APPROVED',
    });
  });

  it('has all fields in the duplicate key', () => {
    const key = (fields: object) => parseMessage(provider, sign(message(fields))).duplicateKey;
    const keys = [
      {},
      { externalUserId: 'user-8' },
      { verificationStatus: 'VERIFIED' },
      { attemptStatus: 'PENDING' },
      { attemptStatus: undefined },
      { rejectionReason: 'FACE_MISMATCH' },
    ].map((fields) => JSON.stringify(key(fields)));

    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('reason', () => {
  it.each([
    ['NO_FACE_FOUND', 'FACE_MISMATCH'],
    ['TOO_MANY_FACES', 'FACE_MISMATCH'],
    ['FACE_NOT_CHECKED', 'CHECK_UNAVAILABLE'],
    ['FAKE_FACE', 'FRAUD_SUSPECTED'],
    ['DOC_EXPIRED', 'DOCUMENT_EXPIRED'],
    ['DOC_NOT_FOUND', 'DOCUMENT_INCOMPLETE'],
    ['DOC_TOO_BLURRY', 'DOCUMENT_QUALITY'],
    ['DOC_TYPE_MISMATCH', 'DOCUMENT_INVALID'],
    ['DOC_FAKE', 'FRAUD_SUSPECTED'],
    ['COUNTRY_MISMATCH', 'DATA_MISMATCH'],
    ['SOMETHING_NEW', 'OTHER'],
    ['constructor', 'OTHER'],
  ])('%s is %s and retryable', (rejectionReason, code) => {
    expect(event({ rejectionReason })).toMatchObject({
      retryable: true,
      reasons: [{ code, providerCode: rejectionReason, message: null }],
    });
  });

  it.each([undefined, null, ''])('is optional in a rejection and can be %j', (rejectionReason) => {
    const rejection = event({ rejectionReason });

    expect(rejection).toMatchObject({ status: 'REJECTED', retryable: true });
    expect(rejection).not.toHaveProperty('reasons');
  });

  it('is ignored with another status', () => {
    const open = event({ attemptStatus: 'VERIFICATION' });

    expect(open).not.toHaveProperty('reasons');
    expect(open).not.toHaveProperty('retryable');
  });
});
