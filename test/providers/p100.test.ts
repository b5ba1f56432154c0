import { SignatureError } from '../../src/domain/errors';
import { eventsOf, messageOf, receive, toWebhookRequest } from '../contract/receive';
import { createProvider } from '../contract/subjects';
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
const event = (fields: object) => eventsOf(provider, sign(message(fields)))[0];

describe('the token', () => {
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
  ])('is not accepted as %j', (value) => {
    expect(verify(value)).toThrow(SignatureError);
  });

  it('that begins with the word Bearer itself is taken as it is', () => {
    const odd = createProvider('p100', ['Bearer of news']);
    const request = signedRequest('p100', '{}', { secret: 'Bearer of news' });

    expect(() => odd.verify(toWebhookRequest(request))).not.toThrow();
  });
});

describe('the path', () => {
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
  ])('%j brings the status of a verification', (subpath) => {
    expect(messageOf(provider, at(subpath)).eventType).toBe('kyc-verification/status');
    expect(eventsOf(provider, at(subpath))).toEqual(eventsOf(provider, sign(message())));
  });

  it.each([
    ['/webhook/user/status', 'user/status', '{"externalUserId":"user-7","status":"ACTIVE"}'],
    ['//Webhook/user/status/', 'user/status', '{"externalUserId":"user-7","status":"ACTIVE"}'],
    ['/webhook/kyc-verification/status/webhook/user/status', 'user/status', '{}'],
    ['/webhook/health', 'health', ''],
  ])('%j brings nothing that we track', (subpath, eventType, body) => {
    expect(receive(provider, at(subpath, body))).toMatchObject({ eventType, ignored: true });
  });

  it.each([
    ['/webhook/poa/status', '{"status":"APPROVED"}'],
    ['/webhook/kyc-verification/status/more', '{}'],
    ['/webhook/kyc-verification/status', undefined],
    ['/constructor', 'no JSON'],
  ])('%j with a body that is %j is never ignored', (subpath, body) => {
    const outcome = receive(provider, at(`/somewhere${subpath}`, body));

    expect(outcome).toHaveProperty('quarantined.code', 'TYPE_UNKNOWN');
  });

  it('that we do not know is named by no word of the sender', () => {
    const outcome = receive(provider, at('/webhook/zoe%40example.org', '{}'));

    expect(JSON.stringify(outcome)).not.toContain('zoe');
  });

  it('does not make an approval of a status on another path', () => {
    const approval = JSON.stringify(message({ verificationStatus: 'VERIFIED' }));

    expect(receive(provider, at('/webhook/user/status', approval))).toHaveProperty(
      'quarantined.code',
      'TYPE_UNKNOWN',
    );
  });
});

describe('the status', () => {
  it('is about the user whom our customer named, at the one level, without a date', () => {
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

  it.each([undefined, null, ''])('says nothing of an attempt where it is %j', (attemptStatus) => {
    const lasting = event({ verificationStatus: 'VERIFIED', attemptStatus });

    expect(lasting).toMatchObject({ levelStatus: 'VERIFIED', providerStatus: 'VERIFIED' });
    expect(lasting).not.toHaveProperty('status');
  });

  it('lets a verified user stay so while another attempt fails', () => {
    expect(event({ verificationStatus: 'VERIFIED' })).toMatchObject({
      levelStatus: 'VERIFIED',
      status: 'REJECTED',
      providerStatus: 'VERIFIED/REJECTED_BY_PROVIDER',
    });
  });

  it('does not verify a user by an attempt alone', () => {
    expect(event({ attemptStatus: 'SUCCESSFUL' })).toMatchObject({
      levelStatus: 'NOT_VERIFIED',
      status: 'APPROVED',
    });
  });

  it('distinguishes what it says by all of its fields', () => {
    const key = (fields: object) => messageOf(provider, sign(message(fields))).duplicateKey;
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

describe('the reason', () => {
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
  ])('%s is %s, and the user may try again', (rejectionReason, code) => {
    expect(event({ rejectionReason })).toMatchObject({
      retryable: true,
      reasons: [{ code, providerCode: rejectionReason, message: null }],
    });
  });

  it.each([undefined, null, ''])('may be left out of a rejection as %j', (rejectionReason) => {
    const rejection = event({ rejectionReason });

    expect(rejection).toMatchObject({ status: 'REJECTED', retryable: true });
    expect(rejection).not.toHaveProperty('reasons');
  });

  it('counts for nothing beside another outcome', () => {
    const open = event({ attemptStatus: 'VERIFICATION' });

    expect(open).not.toHaveProperty('reasons');
    expect(open).not.toHaveProperty('retryable');
  });
});
