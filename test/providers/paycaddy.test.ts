import { SignatureError } from '../../src/domain/errors';
import { createProvider } from '../contract/provider-specs';
import { parseMessage, readEvents, receive, toWebhookRequest } from '../contract/receive';
import { signedRequest } from '../support/sign';

const SECRET = 'a-long-secret-in-the-path-of-paycaddy';
const OLD_SECRET = 'another-long-secret-that-was-used-before';
const provider = createProvider('paycaddy', [SECRET, OLD_SECRET]);
const sign = (body: object | string) => signedRequest('paycaddy', body, { secret: SECRET });

const message = (fields: object = {}) => ({
  metadata: { userId: 'user-7' },
  status: 'rejected',
  description: 'AML checks rejected',
  fullName: 'Ada Example',
  age: '36',
  timeStamp: '2023-03-16T09:42:18.8338086Z',
  ...fields,
});
const status = (fields: object) => readEvents(provider, sign(message(fields)))[0];
const profile = (fields: object) =>
  readEvents(provider, sign(message(fields))).find((event) => event.type === 'PROFILE');

describe('secret', () => {
  const verify =
    (path: string, headers: Record<string, string> = {}) =>
    () =>
      provider.verify(toWebhookRequest({ path, headers, body: Buffer.from('{}') }));

  it.each([
    `/webhooks/paycaddy/${SECRET}`,
    `/webhooks/paycaddy/${SECRET}/`,
    `/webhooks/paycaddy/kyc/notifications/${SECRET}`,
    `/webhooks/paycaddy/${OLD_SECRET}/${SECRET}`,
  ])('is accepted at the end of %s and not stored', (path) => {
    expect(verify(path)()).toEqual({ trust: 'TOKEN', subpath: '' });
  });

  it('is accepted in the header, and a secret in the path is not stored', () => {
    expect(verify('/webhooks/paycaddy', { 'X-Api-Key': SECRET })()).toEqual({
      trust: 'TOKEN',
      subpath: '',
    });
    expect(verify(`/webhooks/paycaddy/${OLD_SECRET}`, { 'X-API-KEY': SECRET })()).toEqual({
      trust: 'TOKEN',
      subpath: '',
    });
  });

  it('can contain a slash', () => {
    const slashed = createProvider('paycaddy', ['half/the-other-half']);
    const request = signedRequest('paycaddy', '{}', { secret: 'half/the-other-half' });

    expect(() => slashed.verify(toWebhookRequest(request))).not.toThrow();
  });

  it.each([
    '/webhooks/paycaddy',
    '/webhooks/paycaddy/',
    `/webhooks/paycaddy/${SECRET}/kyc`,
    `/webhooks/paycaddy/${SECRET.slice(0, -1)}`,
    `/webhooks/paycaddy/${SECRET}x`,
    `/webhooks/paycaddy/${SECRET.toUpperCase()}`,
  ])('is rejected in %s', (path) => {
    expect(verify(path)).toThrow(SignatureError);
  });

  it('is rejected in other headers', () => {
    expect(verify('/webhooks/paycaddy', { Authorization: SECRET })).toThrow(SignatureError);
  });
});

describe('description', () => {
  it.each([
    ['Document doesn’t match input data', 'DATA_MISMATCH'],
    ["Document doesn't match input data", 'DATA_MISMATCH'],
    ['AML checks rejected', 'AML'],
    ['The user is underage', 'AGE_REQUIREMENT'],
    ['The document uploaded is expired', 'DOCUMENT_EXPIRED'],
    ['The document uploaded has issues', 'DOCUMENT_INVALID'],
    ['Validation Failed. User cannot be verified', 'OTHER'],
  ])('%j of a rejection is %s with the original text', (description, code) => {
    expect(status({ description })).toMatchObject({
      status: 'REJECTED',
      reasons: [{ code, providerCode: description, message: null }],
    });
  });

  it.each([
    ['The document uploaded has issues', 'DOCUMENT_INVALID'],
    ['AML checks need to be reviewed', 'AML'],
    ['Government validation system inoperative', 'CHECK_UNAVAILABLE'],
    ['Validation failed. Pending compliance review', 'OTHER'],
  ])('%j of a review is %s', (description, code) => {
    expect(status({ status: 'reviewNeeded', description })).toMatchObject({
      status: 'IN_REVIEW',
      reasons: [{ code, providerCode: description }],
    });
  });

  it('is stored as text if it is unknown', () => {
    expect(status({ description: 'A new sentence' })).toMatchObject({
      reasons: [{ code: 'OTHER', providerCode: 'A new sentence', message: 'A new sentence' }],
    });
  });

  it.each(['', '  ', null, undefined])('%j has no reason', (description) => {
    expect(status({ description })).not.toHaveProperty('reasons');
  });

  it('has no reason in an approval', () => {
    expect(status({ status: 'verified', description: 'Verification signed' })).not.toHaveProperty(
      'reasons',
    );
  });

  it('is retryable only if the input did not match', () => {
    const mismatch = { description: 'Document doesn’t match input data' };

    expect(status(mismatch)).toHaveProperty('retryable', true);
    expect(status({ ...mismatch, status: 'reviewNeeded' })).not.toHaveProperty('retryable');
    expect(status({ description: 'AML checks rejected' })).not.toHaveProperty('retryable');
    expect(status({ description: 'The document uploaded is expired' })).not.toHaveProperty(
      'retryable',
    );
  });

  it('is in the duplicate key only as a digest', () => {
    const key = (description: string) =>
      parseMessage(provider, sign(message({ description }))).duplicateKey;

    expect(key('Ada is underage').join()).not.toContain('Ada');
    expect(key('one')).not.toEqual(key('two'));
  });
});

describe('profile', () => {
  it('has the name and the age of the delivery', () => {
    expect(profile({})).toEqual({
      type: 'PROFILE',
      subjectRef: 'user-7',
      occurredAt: '2023-03-16T09:42:18.833808600Z',
      profile: { fullName: 'Ada Example', age: '36' },
    });
  });

  it.each(['null', '', '  ', 'Document OCR capture ongoing', null, undefined])(
    'has no age if it is %j',
    (age) => {
      expect(profile({ age })).toHaveProperty('profile', { fullName: 'Ada Example' });
    },
  );

  it.each(['null', '', 'Document OCR capture ongoing', undefined])(
    'has no name if it is %j',
    (fullName) => {
      expect(profile({ fullName })).toHaveProperty('profile', { age: '36' });
    },
  );

  it('is absent if it would be empty', () => {
    expect(profile({ fullName: 'null', age: 'null' })).toBeUndefined();
  });

  it('accepts a number as age', () => {
    expect(profile({ age: 36 })).toHaveProperty('profile.age', '36');
  });

  it('is in neither the event type nor the duplicate key', () => {
    const { eventType, duplicateKey } = parseMessage(provider, sign(message()));

    expect([eventType, ...duplicateKey].join()).not.toMatch(/Ada|36,|,36/);
  });
});

describe('timestamp', () => {
  it('keeps all seven decimals', () => {
    expect(status({})).toHaveProperty('occurredAt', '2023-03-16T09:42:18.833808600Z');
  });

  it('is read from either field name, and `timeStamp` has precedence', () => {
    const other = '2024-01-01T00:00:00Z';

    expect(status({ timeStamp: undefined, timestamp: other })).toHaveProperty(
      'occurredAt',
      '2024-01-01T00:00:00.000000000Z',
    );
    expect(status({ timestamp: other })).toHaveProperty(
      'occurredAt',
      '2023-03-16T09:42:18.833808600Z',
    );
  });

  it.each([
    'ISO 8601 format timestamp',
    '2023-03-16T09:42:18',
    '0001-01-01T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '',
    null,
    1678959738,
  ])('%j quarantines an approval', (timeStamp) => {
    expect(receive(provider, sign(message({ status: 'verified', timeStamp })))).toHaveProperty(
      'quarantined.code',
      'PAYLOAD_INVALID',
    );
  });
});
