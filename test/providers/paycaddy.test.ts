import { SignatureError } from '../../src/domain/errors';
import { eventsOf, messageOf, receive, toWebhookRequest } from '../contract/receive';
import { createProvider } from '../contract/subjects';
import { signedRequest } from '../support/sign';

const SECRET = 'a-long-secret-that-stands-in-the-path-of-paycaddy';
const OLD_SECRET = 'another-long-secret-that-stood-there-before';
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
const status = (fields: object) => eventsOf(provider, sign(message(fields)))[0];
const profile = (fields: object) =>
  eventsOf(provider, sign(message(fields))).find((event) => event.type === 'PROFILE');

describe('the secret', () => {
  const verify =
    (path: string, headers: Record<string, string> = {}) =>
    () =>
      provider.verify(toWebhookRequest({ path, headers, body: Buffer.from('{}') }));

  it.each([
    `/webhooks/paycaddy/${SECRET}`,
    `/webhooks/paycaddy/${SECRET}/`,
    `/webhooks/paycaddy/kyc/notifications/${SECRET}`,
    `/webhooks/paycaddy/${OLD_SECRET}/${SECRET}`,
  ])('is accepted at the end of %s, and not kept', (path) => {
    expect(verify(path)()).toEqual({ trust: 'TOKEN', subpath: '' });
  });

  it('is accepted in the header, and a secret in the path beside it not kept', () => {
    expect(verify('/webhooks/paycaddy', { 'X-Api-Key': SECRET })()).toEqual({
      trust: 'TOKEN',
      subpath: '',
    });
    expect(verify(`/webhooks/paycaddy/${OLD_SECRET}`, { 'X-API-KEY': SECRET })()).toEqual({
      trust: 'TOKEN',
      subpath: '',
    });
  });

  it('is accepted with a slash in it', () => {
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
  ])('is not found in %s', (path) => {
    expect(verify(path)).toThrow(SignatureError);
  });

  it('is not looked for in other headers', () => {
    expect(verify('/webhooks/paycaddy', { Authorization: SECRET })).toThrow(SignatureError);
  });
});

describe('the description', () => {
  it.each([
    ['Document doesn’t match input data', 'DATA_MISMATCH'],
    ["Document doesn't match input data", 'DATA_MISMATCH'],
    ['AML checks rejected', 'AML'],
    ['The user is underage', 'AGE_REQUIREMENT'],
    ['The document uploaded is expired', 'DOCUMENT_EXPIRED'],
    ['The document uploaded has issues', 'DOCUMENT_INVALID'],
    ['Validation Failed. User cannot be verified', 'OTHER'],
  ])('%j of a rejection is %s, in the words that were sent', (description, code) => {
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
  ])('%j of a review is %s, and decides nothing', (description, code) => {
    expect(status({ status: 'reviewNeeded', description })).toMatchObject({
      status: 'IN_REVIEW',
      reasons: [{ code, providerCode: description }],
    });
  });

  it('that nobody knows is kept as text', () => {
    expect(status({ description: 'A new sentence' })).toMatchObject({
      reasons: [{ code: 'OTHER', providerCode: 'A new sentence', message: 'A new sentence' }],
    });
  });

  it.each(['', '  ', null, undefined])('%j gives no reason', (description) => {
    expect(status({ description })).not.toHaveProperty('reasons');
  });

  it('gives no reason for what goes well', () => {
    expect(status({ status: 'verified', description: 'Verification signed' })).not.toHaveProperty(
      'reasons',
    );
  });

  it('lets the user try again only after an input that did not match', () => {
    const mismatch = { description: 'Document doesn’t match input data' };

    expect(status(mismatch)).toHaveProperty('retryable', true);
    expect(status({ ...mismatch, status: 'reviewNeeded' })).not.toHaveProperty('retryable');
    expect(status({ description: 'AML checks rejected' })).not.toHaveProperty('retryable');
    expect(status({ description: 'The document uploaded is expired' })).not.toHaveProperty(
      'retryable',
    );
  });

  it('stands in the duplicate key as a fingerprint alone', () => {
    const key = (description: string) =>
      messageOf(provider, sign(message({ description }))).duplicateKey;

    expect(key('Ada is underage').join()).not.toContain('Ada');
    expect(key('one')).not.toEqual(key('two'));
  });
});

describe('the person', () => {
  it('comes with the name and the age, in the same delivery', () => {
    expect(profile({})).toEqual({
      type: 'PROFILE',
      subjectRef: 'user-7',
      occurredAt: '2023-03-16T09:42:18.833808600Z',
      profile: { fullName: 'Ada Example', age: '36' },
    });
  });

  it.each(['null', '', '  ', 'Document OCR capture ongoing', null, undefined])(
    'has no age where it is %j',
    (age) => {
      expect(profile({ age })).toHaveProperty('profile', { fullName: 'Ada Example' });
    },
  );

  it.each(['null', '', 'Document OCR capture ongoing', undefined])(
    'has no name where it is %j',
    (fullName) => {
      expect(profile({ fullName })).toHaveProperty('profile', { age: '36' });
    },
  );

  it('is not mentioned where nothing is known', () => {
    expect(profile({ fullName: 'null', age: 'null' })).toBeUndefined();
  });

  it('may be as old as a number says', () => {
    expect(profile({ age: 36 })).toHaveProperty('profile.age', '36');
  });

  it('is in neither the kind of message nor the duplicate key', () => {
    const { eventType, duplicateKey } = messageOf(provider, sign(message()));

    expect([eventType, ...duplicateKey].join()).not.toMatch(/Ada|36,|,36/);
  });
});

describe('the clock', () => {
  it('keeps all seven digits', () => {
    expect(status({})).toHaveProperty('occurredAt', '2023-03-16T09:42:18.833808600Z');
  });

  it('is read under either spelling, the documented examples first', () => {
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
  ])('approves nobody at %j', (timeStamp) => {
    expect(receive(provider, sign(message({ status: 'verified', timeStamp })))).toHaveProperty(
      'quarantined.code',
      'PAYLOAD_INVALID',
    );
  });
});
