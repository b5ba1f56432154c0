/** Tests of status calls, against a real server that verifies the credentials. */

import { generateKeyPairSync } from 'node:crypto';
import { ProviderApiError } from '../../src/domain/errors';
import { createProviders } from '../../src/providers/registry';
import { createDisposal } from '../support/disposal';
import {
  closeConnection,
  type Fault,
  KRAKEN_API,
  neverRespond,
  P100_KEY,
  PAYCADDY_KEY,
  type ProviderApiServer,
  respond,
  SUMSUB_API,
  sendEndlessly,
  stall,
  startProviderApis,
  truncate,
} from '../support/provider-apis';

const disposal = createDisposal();
let apis: ProviderApiServer;

beforeEach(async () => {
  apis = await startProviderApis(disposal);
});

type Provider = 'fractal-id' | 'sumsub' | 'paycaddy' | 'p100';

function createAdapters(apiChanges: object = {}) {
  const { origin } = apis;
  return createProviders({
    webhookSecrets: Object.fromEntries(
      ['fractal-id', 'sumsub', 'paycaddy', 'p100'].map((id) => [id, [{ secret: 'x' }]]),
    ),
    fractalIdFormat: 'kraken',
    sumsubMinimumDigest: 'sha256',
    providerApis: {
      'fractal-id': { ...KRAKEN_API, origin },
      sumsub: { ...SUMSUB_API, origin },
      paycaddy: { apiKey: PAYCADDY_KEY, origin },
      p100: { apiKey: P100_KEY, origin },
      ...apiChanges,
    },
  });
}

interface FetchOptions {
  readonly apiChanges?: object;
  readonly sandbox?: boolean;
  readonly actionRef?: string;
  /** Default: no timeout. */
  readonly timeoutMs?: number;
}

function fetchStatus(provider: Provider, subjectRef: string, options: FetchOptions = {}) {
  const { apiChanges, sandbox = false, actionRef = null, timeoutMs } = options;
  const call = createAdapters(apiChanges).get(provider)?.statusCall?.fetchStatus;
  if (call === undefined) throw new Error('the adapter has no status call');
  const signal =
    timeoutMs === undefined ? new AbortController().signal : AbortSignal.timeout(timeoutMs);
  return call({ subjectRef, actionRef, sandbox }, { now: new Date(), signal });
}

async function catchApiError(request: Promise<unknown>) {
  const error = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProviderApiError)) throw error;
  return error;
}

const PROVIDERS = ['fractal-id', 'sumsub', 'paycaddy', 'p100'] as const;
const getApi = (provider: Provider) => apis[provider === 'fractal-id' ? 'kraken' : provider];

describe.each(PROVIDERS)('%s', (provider) => {
  it('returns the response byte for byte', async () => {
    getApi(provider).set('user 1/ü', { any: 'body' });
    const response = await fetchStatus(provider, 'user 1/ü');
    expect(String(response?.rawBody)).toBe('{"any":"body"}');
    expect(response?.subpath).toContain('user 1/ü');
  });

  it('returns undefined for an unknown identity', async () => {
    expect(await fetchStatus(provider, 'unknown')).toBeUndefined();
  });

  it.each(['.', '..'])('never requests the ID %s, which would change the path', async (id) => {
    expect(await fetchStatus(provider, id)).toBeUndefined();
    expect(apis.requestedPaths).toEqual([]);
  });

  it('rejects wrong credentials', async () => {
    getApi(provider).set('user-1', {});
    const { origin } = apis;
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-521',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const wrong = {
      'fractal-id': { ...KRAKEN_API, privateKey, origin },
      sumsub: { ...SUMSUB_API, secretKey: 'another', origin },
      paycaddy: { apiKey: 'another', origin },
      p100: { apiKey: 'another', origin },
    };
    const request = fetchStatus(provider, 'user-1', { apiChanges: wrong });
    expect(await catchApiError(request)).toMatchObject({ fault: 'REFUSED' });
  });

  it.each<[string, Fault, object]>([
    ['fails', respond(500), { fault: 'UNAVAILABLE' }],
    [
      'is unavailable',
      respond(503, { 'retry-after': '7' }),
      { fault: 'UNAVAILABLE', retryAfterMs: 7000 },
    ],
    ['truncates a response', truncate, { fault: 'UNAVAILABLE' }],
    ['closes the connection', closeConnection, { fault: 'UNAVAILABLE' }],
    ['limits the rate', respond(429, {}), { fault: 'RATE_LIMITED', retryAfterMs: null }],
    [
      'requests a pause in seconds',
      respond(429, { 'retry-after': '30' }),
      { fault: 'RATE_LIMITED', retryAfterMs: 30_000 },
    ],
    [
      'requests a pause until a date of its clock',
      respond(429, {
        date: 'Mon, 01 Jan 2024 00:00:00 GMT',
        'retry-after': 'Mon, 01 Jan 2024 00:00:09 GMT',
      }),
      { fault: 'RATE_LIMITED', retryAfterMs: 9000 },
    ],
    [
      'requests a pause in an unknown format',
      respond(429, { 'retry-after': 'soon' }),
      { fault: 'RATE_LIMITED', retryAfterMs: null },
    ],
    ['does not send JSON', respond(200, {}, '<html>'), { fault: 'UNREADABLE' }],
    ['sends a list', respond(200, {}, '[]'), { fault: 'UNREADABLE' }],
    ['sends an endless response', sendEndlessly, { fault: 'UNREADABLE' }],
    ['redirects', respond(302, { location: 'http://127.0.0.1:1/' }), { fault: 'REFUSED' }],
    ['rejects the request', respond(422, {}, '{}'), { fault: 'REFUSED' }],
  ])('is classified if it %s', async (_, fault, expected) => {
    apis.faults.push(fault);
    expect(await catchApiError(fetchStatus(provider, 'user-1'))).toMatchObject(expected);
  });

  it.each([
    ['does not respond', neverRespond],
    ['stalls during a response', stall],
  ])('times out if it %s', async (_, fault) => {
    apis.faults.push(fault);
    const request = fetchStatus(provider, 'user-1', { timeoutMs: 300 });
    expect(await catchApiError(request)).toMatchObject({ fault: 'UNAVAILABLE' });
  });

  it('throws errors without the ID, the credentials and the response', async () => {
    apis.faults.push(respond(500, {}, 'the passport number is 123'));
    const error = await catchApiError(fetchStatus(provider, 'alice@example.com'));
    const text = JSON.stringify([error.message, error.cause ?? null]);
    for (const secret of ['alice', 'passport', P100_KEY, PAYCADDY_KEY, SUMSUB_API.secretKey]) {
      expect(text).not.toContain(secret);
    }
  });

  it('parses stored responses without credentials', () => {
    const adapter = createAdapters({ [provider]: undefined }).get(provider);
    expect(adapter?.statusCall?.fetchStatus).toBeUndefined();
    expect(adapter?.statusCall?.parse).toBeDefined();
  });
});

it('has no status call for the classic format of Fractal ID, which requires the user’s token', () => {
  const providers = createProviders({
    webhookSecrets: { 'fractal-id': [{ secret: 'x' }] },
    fractalIdFormat: 'classic',
    sumsubMinimumDigest: 'sha256',
    providerApis: { 'fractal-id': { ...KRAKEN_API, origin: apis.origin } },
  });
  expect(providers.get('fractal-id')?.statusCall).toBeUndefined();
});

function parseEvents(provider: Provider, subpath: string, body: object) {
  const adapter = createAdapters().get(provider);
  const rawBody = Buffer.from(JSON.stringify(body));
  const message = adapter?.statusCall?.parse({ subpath, rawBody });
  return adapter?.normalize(message?.payload) ?? [];
}

describe('Kraken response', () => {
  const parse = (body: object) => parseEvents('fractal-id', 'public/kyc/user-1', body);

  it.each([
    ['approved', 'APPROVED'],
    ['rejected', 'REJECTED'],
    ['pending', 'IN_PROGRESS'],
  ])('%s is a status without a timestamp', (state, status) => {
    expect(parse({ userId: 'user-1', state, externalState: 'ours' })).toEqual([
      {
        type: 'STATUS',
        subjectRef: 'user-1',
        level: 'kyc',
        levelKind: 'LEVEL',
        status,
        providerStatus: state,
      },
    ]);
  });

  it.each([
    ['an unknown status', { userId: 'user-1', state: 'purple' }],
    ['a status in another letter case', { userId: 'user-1', state: 'Approved' }],
    ['another format', { userId: 'user-1', status: 'approved' }],
    ['another user', { userId: 'USER-1', state: 'approved' }],
    ['an empty object', {}],
  ])('is rejected: %s', (_, body) => {
    expect(() => parse(body)).toThrow();
  });
});

describe('P100 error response', () => {
  it.each([
    [400, 'P459'],
    [404, 'P445'],
  ])('%s %s means that the user is not verified', async (status, code) => {
    apis.faults.push(respond(status, {}, JSON.stringify({ code, message: 'User not verified' })));
    const response = await fetchStatus('p100', 'user-1');
    expect(response).toMatchObject({ subpath: 'v1/kyc/status/user-1' });
    const body = JSON.parse(String(response?.rawBody));
    expect(parseEvents('p100', 'v1/kyc/status/user-1', body)).toEqual([
      {
        type: 'UNVERIFIED',
        subjectRef: 'user-1',
        externalUserId: 'user-1',
        level: 'kyc',
        levelKind: 'LEVEL',
        providerStatus: 'NOT_VERIFIED',
      },
    ]);
  });

  it('P412 means that the identity does not exist', async () => {
    apis.faults.push(respond(400, {}, '{"code":"P412"}'));
    expect(await fetchStatus('p100', 'user-1')).toBeUndefined();
  });

  it.each([
    [400, '{"code":"P500"}', 'REFUSED'],
    [400, '{"code":"P501"}', 'REFUSED'],
    [400, '{"message":"P459"}', 'REFUSED'],
    [400, 'P459', 'REFUSED'],
    [401, '{"code":"P459"}', 'REFUSED'],
    [500, '{"code":"P459"}', 'UNAVAILABLE'],
  ])('%s %s is an API error', async (status, body, fault) => {
    apis.faults.push(respond(status, {}, body));
    expect(await catchApiError(fetchStatus('p100', 'user-1'))).toMatchObject({ fault });
  });

  it('ignores an error code in addition to a status', () => {
    const body = { code: 'P459', verificationStatus: 'VERIFIED' };
    expect(parseEvents('p100', 'v1/kyc/status/user-1', body)).toMatchObject([
      { type: 'STATUS', levelStatus: 'VERIFIED' },
    ]);
  });
});

describe('Sumsub response about an action', () => {
  const ACTION = {
    id: 'action-1',
    applicantId: 'a-1',
    externalActionId: 'ours',
    review: {
      reviewId: 'IUeLG',
      attemptCnt: 1,
      levelName: 'card-level',
      createDate: '2024-07-09 10:24:26+0000',
      reviewResult: { reviewAnswer: 'GREEN' },
      reviewStatus: 'completed',
    },
    paymentMethod: { type: 'bankCard', data: { requiredIdDoc: { firstName: 'Ada' } } },
    reviewResult: { reviewAnswer: 'GREEN' },
  };
  const review = (fields: object) => ({ ...ACTION, review: { ...ACTION.review, ...fields } });
  const SUBPATH = 'applicantActions/action-1/of/a-1';
  const parse = (body: object, subpath = SUBPATH) => parseEvents('sumsub', subpath, body);
  const at = {
    type: 'STATUS',
    subjectRef: 'a-1',
    level: 'card-level',
    levelKind: 'ACTION',
    attemptRef: 'action-1',
  };

  it('is requested by the ID of the action', async () => {
    apis.actions.set('action/1', ACTION);
    const response = await fetchStatus('sumsub', 'a/1', { actionRef: 'action/1' });
    expect(response).toEqual({
      subpath: 'applicantActions/action%2F1/of/a%2F1',
      rawBody: Buffer.from(JSON.stringify(ACTION)),
    });
    expect(await fetchStatus('sumsub', 'a-1', { actionRef: 'another' })).toBeUndefined();
  });

  it('is the result of the attempt without personal data', () => {
    expect(parse(ACTION)).toEqual([
      { ...at, status: 'APPROVED', providerStatus: 'completed/GREEN' },
    ]);
    expect(parse(ACTION, `sandbox/${SUBPATH}`)).toMatchObject([{ ...at, sandbox: true }]);
  });

  it('has the date and reasons of the review', () => {
    const reviewResult = { reviewAnswer: 'RED', rejectLabels: ['FORGERY'] };
    expect(parse(review({ reviewResult, reviewDate: '2024-07-09 10:30:00+0000' }))).toMatchObject([
      {
        ...at,
        status: 'REJECTED',
        occurredAt: '2024-07-09T10:30:00.999999999Z',
        reasons: [{ providerCode: 'FORGERY' }],
      },
    ]);
  });

  it.each([
    ['init', 'PENDING'],
    ['pending', 'IN_PROGRESS'],
    ['queued', 'IN_PROGRESS'],
    ['awaitingUser', 'ACTION_REQUIRED'],
    ['onHold', 'IN_REVIEW'],
  ])('%s is a status without a timestamp', (reviewStatus, status) => {
    const [event, ...more] = parse(review({ reviewStatus }));
    expect(event).toMatchObject({ ...at, status, providerStatus: reviewStatus });
    expect(event?.occurredAt).toBeUndefined();
    expect(more).toEqual([]);
  });

  it.each([
    ['another action', { ...ACTION, id: 'action-2' }],
    ['another applicant', { ...ACTION, applicantId: 'a-2' }],
    ['no review', { ...ACTION, review: undefined }],
    ['an unknown status', review({ reviewStatus: 'purple' })],
    ['an unknown answer', review({ reviewResult: { reviewAnswer: 'ERROR' } })],
    ['an invalid date', review({ reviewDate: 'yesterday' })],
  ])('is rejected: %s', (_, body) => {
    expect(() => parse(body)).toThrow();
  });
});

describe('Sumsub response', () => {
  const parse = (body: object, subpath = 'applicants/a-1/status') => {
    const sumsub = createAdapters().get('sumsub');
    const message = sumsub?.statusCall?.parse({
      subpath,
      rawBody: Buffer.from(JSON.stringify(body)),
    });
    return sumsub?.normalize(message?.payload) ?? [];
  };
  const completed = (reviewResult: object, rest: object = {}) => ({
    levelName: 'basic',
    reviewStatus: 'completed',
    reviewDate: '2025-07-21 16:25:52+0000',
    reviewResult,
    ...rest,
  });

  it.each([
    ['init', ['UNVERIFIED', 'PENDING']],
    ['pending', ['IN_PROGRESS']],
    ['prechecked', ['IN_PROGRESS']],
    ['queued', ['IN_PROGRESS']],
    ['awaitingService', ['IN_PROGRESS']],
    ['awaitingUser', ['ACTION_REQUIRED']],
    ['onHold', ['IN_REVIEW']],
  ])('%s is a status without a timestamp', (reviewStatus, expected) => {
    const events = parse({
      levelName: 'basic',
      reviewStatus,
      createDate: '2025-07-21 16:25:52+0000',
      reviewResult: { reviewAnswer: 'GREEN' }, // from an earlier review
    });
    expect(events.map((event) => ('status' in event ? event.status : event.type))).toEqual(
      expected,
    );
    for (const event of events) expect(event.occurredAt).toBeUndefined();
  });

  it('has the date and reasons of a completed review', () => {
    const result = {
      reviewAnswer: 'RED',
      reviewRejectType: 'RETRY',
      rejectLabels: ['BAD_SELFIE'],
      moderationComment: 'Once more, please.',
      clientComment: 'never shown',
    };
    const [event] = parse(completed(result));
    expect(event).toMatchObject({
      subjectRef: 'a-1',
      status: 'REJECTED',
      retryable: true,
      providerStatus: 'completed/RED/RETRY',
      occurredAt: '2025-07-21T16:25:52.999999999Z',
    });
    expect(JSON.stringify(event)).not.toContain('never shown');
  });

  it('is from the sandbox according to the token or the stored applicant', async () => {
    const { origin } = apis;
    const apiChanges = { sumsub: { ...SUMSUB_API, appToken: 'sbx:token', origin } };
    apis.sumsub.set('a-1', completed({ reviewAnswer: 'GREEN' }));
    const response = await fetchStatus('sumsub', 'a-1', { sandbox: true });
    expect(parse(completed({ reviewAnswer: 'GREEN' }), response?.subpath)).toMatchObject([
      { subjectRef: 'a-1', sandbox: true },
    ]);
    // The server accepts only the live token.
    expect(await catchApiError(fetchStatus('sumsub', 'a-1', { apiChanges }))).toMatchObject({
      fault: 'REFUSED',
    });
  });

  it.each([
    ['an unknown status', { levelName: 'basic', reviewStatus: 'purple' }],
    ['an unknown answer', completed({ reviewAnswer: 'PURPLE' })],
    ['an invalid date', completed({ reviewAnswer: 'GREEN' }, { reviewDate: 'yesterday' })],
    ['no level', { reviewStatus: 'pending' }],
  ])('is rejected: %s', (_, body) => {
    expect(() => parse(body)).toThrow();
  });
});
