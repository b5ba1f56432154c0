/** The vendors' status calls, against a real server that checks who asks. */

import { VendorError } from '../../src/domain/errors';
import { createProviders } from '../../src/providers/registry';
import { createDisposal } from '../support/disposal';
import {
  answers,
  breaksOff,
  type Fault,
  floods,
  hangs,
  hangsUp,
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

type VendorId = 'sumsub' | 'paycaddy' | 'p100';

function callsOf(changed: object = {}) {
  const { origin } = apis;
  return createProviders({
    webhookSecrets: Object.fromEntries(
      ['fractal-id', 'sumsub', 'paycaddy', 'p100'].map((id) => [id, [{ secret: 'x' }]]),
    ),
    fractalIdFormat: 'classic',
    sumsubMinimumDigest: 'sha256',
    vendorApis: {
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
  /** By default it waits for ever. */
  readonly patienceMs?: number;
}

function ask(vendor: VendorId, subjectRef: string, options: Asking = {}) {
  const { changed, sandbox = false, patienceMs } = options;
  const fetchStatus = callsOf(changed).get(vendor)?.statusCall?.fetchStatus;
  if (fetchStatus === undefined) throw new Error('expected a status call');
  const signal =
    patienceMs === undefined ? new AbortController().signal : AbortSignal.timeout(patienceMs);
  return fetchStatus({ subjectRef, sandbox }, { now: new Date(), signal });
}

async function faultOf(asking: Promise<unknown>) {
  const error = await asking.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof VendorError)) throw error;
  return error;
}

const VENDORS = ['sumsub', 'paycaddy', 'p100'] as const;

describe.each(VENDORS)('%s', (vendor) => {
  it('answers about an account, byte for byte', async () => {
    apis[vendor].set('user 1/ü', { any: 'body' });
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
    apis[vendor].set('user-1', {});
    const { origin } = apis;
    const wrong = {
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

it('asks Fractal ID nothing, which answers only the user', () => {
  expect(callsOf().get('fractal-id')?.statusCall).toBeUndefined();
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
