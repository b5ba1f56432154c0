/** The vendors' status calls, against a real server that checks who asks. */

import { generateKeyPairSync } from 'node:crypto';
import { ProviderApiError } from '../../src/domain/errors';
import { createProviders } from '../../src/providers/registry';
import { createDisposal } from '../support/disposal';
import {
  answers,
  breaksOff,
  type Fault,
  floods,
  hangs,
  hangsUp,
  KRAKEN_API,
  P100_KEY,
  PAYCADDY_KEY,
  SUMSUB_API,
  startVendorApis,
  trickles,
  type VendorApis,
} from '../support/vendor-apis';

const disposal = createDisposal();
let apis: VendorApis;

beforeEach(async () => {
  apis = await startVendorApis(disposal);
});

type VendorId = 'fractal-id' | 'sumsub' | 'paycaddy' | 'p100';

function callsOf(changed: object = {}) {
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
      ...changed,
    },
  });
}

interface Asking {
  readonly changed?: object;
  readonly sandbox?: boolean;
  readonly actionRef?: string;
  /** By default it waits for ever. */
  readonly patienceMs?: number;
}

function ask(vendor: VendorId, subjectRef: string, options: Asking = {}) {
  const { changed, sandbox = false, actionRef = null, patienceMs } = options;
  const fetchStatus = callsOf(changed).get(vendor)?.statusCall?.fetchStatus;
  if (fetchStatus === undefined) throw new Error('expected a status call');
  const signal =
    patienceMs === undefined ? new AbortController().signal : AbortSignal.timeout(patienceMs);
  return fetchStatus({ subjectRef, actionRef, sandbox }, { now: new Date(), signal });
}

async function faultOf(asking: Promise<unknown>) {
  const error = await asking.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProviderApiError)) throw error;
  return error;
}

const VENDORS = ['fractal-id', 'sumsub', 'paycaddy', 'p100'] as const;
const at = (vendor: VendorId) => apis[vendor === 'fractal-id' ? 'kraken' : vendor];

describe.each(VENDORS)('%s', (vendor) => {
  it('answers about an account, byte for byte', async () => {
    at(vendor).set('user 1/ü', { any: 'body' });
    const answer = await ask(vendor, 'user 1/ü');
    expect(String(answer?.rawBody)).toBe('{"any":"body"}');
    expect(answer?.subpath).toContain('user 1/ü');
  });

  it('knows nothing of an unknown account', async () => {
    expect(await ask(vendor, 'nobody')).toBeUndefined();
  });

  it.each(['.', '..'])('is never asked about %s, which would lead elsewhere', async (id) => {
    expect(await ask(vendor, id)).toBeUndefined();
    expect(apis.asked).toEqual([]);
  });

  it('refuses wrong credentials', async () => {
    at(vendor).set('user-1', {});
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
    const asking = ask(vendor, 'user-1', { changed: wrong });
    expect(await faultOf(asking)).toMatchObject({ fault: 'REFUSED' });
  });

  it.each<[string, Fault, object]>([
    ['has a fault of its own', answers(500), { fault: 'UNAVAILABLE' }],
    ['is away', answers(503, { 'retry-after': '7' }), { fault: 'UNAVAILABLE', retryAfterMs: 7000 }],
    ['breaks an answer off', breaksOff, { fault: 'UNAVAILABLE' }],
    ['hangs up', hangsUp, { fault: 'UNAVAILABLE' }],
    ['was asked too often', answers(429, {}), { fault: 'RATE_LIMITED', retryAfterMs: null }],
    [
      'says how long to wait',
      answers(429, { 'retry-after': '30' }),
      { fault: 'RATE_LIMITED', retryAfterMs: 30_000 },
    ],
    [
      'says until when to wait, by its own clock',
      answers(429, {
        date: 'Mon, 01 Jan 2024 00:00:00 GMT',
        'retry-after': 'Mon, 01 Jan 2024 00:00:09 GMT',
      }),
      { fault: 'RATE_LIMITED', retryAfterMs: 9000 },
    ],
    [
      'says it in no way that we know',
      answers(429, { 'retry-after': 'soon' }),
      { fault: 'RATE_LIMITED', retryAfterMs: null },
    ],
    ['sends no JSON', answers(200, {}, '<html>'), { fault: 'UNREADABLE' }],
    ['sends a list', answers(200, {}, '[]'), { fault: 'UNREADABLE' }],
    ['never stops', floods, { fault: 'UNREADABLE' }],
    ['sends us elsewhere', answers(302, { location: 'http://127.0.0.1:1/' }), { fault: 'REFUSED' }],
    ['does not like the question', answers(422, {}, '{}'), { fault: 'REFUSED' }],
  ])('is told apart when it %s', async (_, fault, expected) => {
    apis.faults.push(fault);
    expect(await faultOf(ask(vendor, 'user-1'))).toMatchObject(expected);
  });

  it.each([
    ['hangs', hangs],
    ['stops in the midst of an answer', trickles],
  ])('is not waited for when it %s', async (_, fault) => {
    apis.faults.push(fault);
    const asking = ask(vendor, 'user-1', { patienceMs: 300 });
    expect(await faultOf(asking)).toMatchObject({ fault: 'UNAVAILABLE' });
  });

  it('gives away neither the account nor the credentials nor what was sent', async () => {
    apis.faults.push(answers(500, {}, 'the passport number is 123'));
    const error = await faultOf(ask(vendor, 'alice@example.com'));
    const told = JSON.stringify([error.message, error.cause ?? null]);
    for (const secret of ['alice', 'passport', P100_KEY, PAYCADDY_KEY, SUMSUB_API.secretKey]) {
      expect(told).not.toContain(secret);
    }
  });

  it('reads what it answered before also without credentials', () => {
    const provider = callsOf({ [vendor]: undefined }).get(vendor);
    expect(provider?.statusCall?.fetchStatus).toBeUndefined();
    expect(provider?.statusCall?.parse).toBeDefined();
  });
});

it('asks Fractal ID nothing in its classic format, which answers only the user', () => {
  const providers = createProviders({
    webhookSecrets: { 'fractal-id': [{ secret: 'x' }] },
    fractalIdFormat: 'classic',
    sumsubMinimumDigest: 'sha256',
    providerApis: { 'fractal-id': { ...KRAKEN_API, origin: apis.origin } },
  });
  expect(providers.get('fractal-id')?.statusCall).toBeUndefined();
});

function eventsOf(vendor: VendorId, subpath: string, body: object) {
  const provider = callsOf().get(vendor);
  const rawBody = Buffer.from(JSON.stringify(body));
  const message = provider?.statusCall?.parse({ subpath, rawBody });
  return provider?.normalize(message?.payload) ?? [];
}

describe('what Kraken answers', () => {
  const parse = (body: object) => eventsOf('fractal-id', 'public/kyc/user-1', body);

  it.each([
    ['approved', 'APPROVED'],
    ['rejected', 'REJECTED'],
    ['pending', 'IN_PROGRESS'],
  ])('%s is a state without a date', (state, status) => {
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
    ['a word that is in no table', { userId: 'user-1', state: 'purple' }],
    ['a word in another letter case', { userId: 'user-1', state: 'Approved' }],
    ['another shape', { userId: 'user-1', status: 'approved' }],
    ['another user', { userId: 'USER-1', state: 'approved' }],
    ['nothing', {}],
  ])('is not guessed: %s', (_, body) => {
    expect(() => parse(body)).toThrow();
  });
});

describe('what P100 answers with an error', () => {
  it.each([
    [400, 'P459'],
    [404, 'P445'],
  ])('%s %s: the user is not verified, of an attempt it says nothing', async (status, code) => {
    apis.faults.push(answers(status, {}, JSON.stringify({ code, message: 'User not verified' })));
    const answer = await ask('p100', 'user-1');
    expect(answer).toMatchObject({ subpath: 'v1/kyc/status/user-1' });
    const body = JSON.parse(String(answer?.rawBody));
    expect(eventsOf('p100', 'v1/kyc/status/user-1', body)).toEqual([
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

  it('P412 is no account', async () => {
    apis.faults.push(answers(400, {}, '{"code":"P412"}'));
    expect(await ask('p100', 'user-1')).toBeUndefined();
  });

  it.each([
    [400, '{"code":"P500"}', 'REFUSED'],
    [400, '{"code":"P501"}', 'REFUSED'],
    [400, '{"message":"P459"}', 'REFUSED'],
    [400, 'P459', 'REFUSED'],
    [401, '{"code":"P459"}', 'REFUSED'],
    [500, '{"code":"P459"}', 'UNAVAILABLE'],
  ])('%s %s is a failure', async (status, body, fault) => {
    apis.faults.push(answers(status, {}, body));
    expect(await faultOf(ask('p100', 'user-1'))).toMatchObject({ fault });
  });

  it('an error code beside a status decides nothing', () => {
    const body = { code: 'P459', verificationStatus: 'VERIFIED' };
    expect(eventsOf('p100', 'v1/kyc/status/user-1', body)).toMatchObject([
      { type: 'STATUS', levelStatus: 'VERIFIED' },
    ]);
  });
});

describe('what Sumsub answers about an action', () => {
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
  const parse = (body: object, subpath = SUBPATH) => eventsOf('sumsub', subpath, body);
  const at = {
    type: 'STATUS',
    subjectRef: 'a-1',
    level: 'card-level',
    levelKind: 'ACTION',
    attemptRef: 'action-1',
  };

  it('is asked for by the id of the action', async () => {
    apis.actions.set('action/1', ACTION);
    const answer = await ask('sumsub', 'a/1', { actionRef: 'action/1' });
    expect(answer).toEqual({
      subpath: 'applicantActions/action%2F1/of/a%2F1',
      rawBody: Buffer.from(JSON.stringify(ACTION)),
    });
    expect(await ask('sumsub', 'a-1', { actionRef: 'another' })).toBeUndefined();
  });

  it('is the result of that attempt, without what it tells of the person', () => {
    expect(parse(ACTION)).toEqual([
      { ...at, status: 'APPROVED', providerStatus: 'completed/GREEN' },
    ]);
    expect(parse(ACTION, `sandbox/${SUBPATH}`)).toMatchObject([{ ...at, sandbox: true }]);
  });

  it('has the date and the reasons of a review', () => {
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
  ])('%s is a state without a date', (reviewStatus, status) => {
    const [event, ...more] = parse(review({ reviewStatus }));
    expect(event).toMatchObject({ ...at, status, providerStatus: reviewStatus });
    expect(event?.occurredAt).toBeUndefined();
    expect(more).toEqual([]);
  });

  it.each([
    ['another action', { ...ACTION, id: 'action-2' }],
    ['another applicant', { ...ACTION, applicantId: 'a-2' }],
    ['no review', { ...ACTION, review: undefined }],
    ['a word that is in no table', review({ reviewStatus: 'purple' })],
    ['an answer that is in no table', review({ reviewResult: { reviewAnswer: 'ERROR' } })],
    ['a date that is none', review({ reviewDate: 'yesterday' })],
  ])('is not guessed: %s', (_, body) => {
    expect(() => parse(body)).toThrow();
  });
});

describe('what Sumsub answers', () => {
  const parse = (body: object, subpath = 'applicants/a-1/status') => {
    const sumsub = callsOf().get('sumsub');
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
  ])('%s is a state without a date', (reviewStatus, expected) => {
    const events = parse({
      levelName: 'basic',
      reviewStatus,
      createDate: '2025-07-21 16:25:52+0000',
      reviewResult: { reviewAnswer: 'GREEN' }, // of an earlier one
    });
    expect(events.map((event) => ('status' in event ? event.status : event.type))).toEqual(
      expected,
    );
    for (const event of events) expect(event.occurredAt).toBeUndefined();
  });

  it('a completed review has the date and the reasons', () => {
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

  it('says it is of a test environment by the token, or by what we hold', async () => {
    const { origin } = apis;
    const changed = { sumsub: { ...SUMSUB_API, appToken: 'sbx:token', origin } };
    apis.sumsub.set('a-1', completed({ reviewAnswer: 'GREEN' }));
    const held = await ask('sumsub', 'a-1', { sandbox: true });
    expect(parse(completed({ reviewAnswer: 'GREEN' }), held?.subpath)).toMatchObject([
      { subjectRef: 'a-1', sandbox: true },
    ]);
    // The server knows the live token alone.
    expect(await faultOf(ask('sumsub', 'a-1', { changed }))).toMatchObject({ fault: 'REFUSED' });
  });

  it.each([
    ['a word that is in no table', { levelName: 'basic', reviewStatus: 'purple' }],
    ['an answer that is in no table', completed({ reviewAnswer: 'PURPLE' })],
    ['a date that is none', completed({ reviewAnswer: 'GREEN' }, { reviewDate: 'yesterday' })],
    ['no level', { reviewStatus: 'pending' }],
  ])('is not guessed: %s', (_, body) => {
    expect(() => parse(body)).toThrow();
  });
});
