/** Webhooks that are lost, duplicated and out of order, and status checks that correct the result. */

import { createRandom } from '../../src/cli/simulation/random';
import type { ProviderId } from '../../src/domain/level';
import type { StatusCheckOutcome } from '../../src/jobs/reconcile/reconciler';
import { createTestDatabase, ENGINE } from '../support/databases';
import { createDisposal } from '../support/disposal';
import { createRecordedLog } from '../support/logs';
import { type ProviderApiServer, respond, startProviderApis } from '../support/provider-apis';
import { until } from '../support/until';
import { startGateway, type TestGateway } from './support/gateway';

const disposal = createDisposal();

/** All is due at once, and no more while the test lasts. */
const SOON = {
  RECONCILE_INTERVAL: 'PT1S',
  RECONCILE_OPEN_AFTER: 'PT1H',
  RECONCILE_UNCONFIRMED_AFTER: 'PT1H',
  RECONCILE_QUIET_AFTER: 'PT1H',
  RECONCILE_MAX_PER_SECOND: '500',
};
/** Time at which the providers sent the event. */
const AGO_MS = 12 * 60 * 60_000;
const earlier = () => new Date(Date.now() - AGO_MS);

// ── State at the providers ───────────────────────────────────────────────────────────────────────────────────────────

type Word = 'begun' | 'working' | 'review' | 'approved' | 'rejected';

/** Every course begins with its first word. */
const COURSES: readonly (readonly Word[])[] = [
  ['begun', 'working', 'approved'],
  ['begun', 'working', 'rejected'],
  ['begun', 'working', 'review', 'approved'],
  ['begun', 'working', 'rejected', 'working', 'approved'],
  ['begun', 'working', 'approved', 'rejected'],
  ['begun', 'working', 'review'],
];

interface Told {
  readonly vendor: 'sumsub' | 'paycaddy' | 'p100';
  readonly body: object;
}

function sumsubTime(at: Date): string {
  return at.toISOString().replace('T', ' ').replace('Z', '');
}

const SUMSUB_WORDS: Readonly<Record<Word, readonly [string, string, object?]>> = {
  begun: ['applicantCreated', 'init'],
  working: ['applicantPending', 'pending'],
  review: ['applicantOnHold', 'onHold'],
  approved: ['applicantReviewed', 'completed', { reviewAnswer: 'GREEN' }],
  rejected: ['applicantReviewed', 'completed', { reviewAnswer: 'RED', reviewRejectType: 'RETRY' }],
};

function atSumsub(apis: ProviderApiServer, user: string, course: readonly Word[]): readonly Told[] {
  const times = course.map((_, index) => new Date(earlier().getTime() + index * 700));
  const told = course.map((word, index): Told => {
    const [type, reviewStatus, reviewResult] = SUMSUB_WORDS[word];
    const createdAtMs = sumsubTime(times[index] ?? new Date());
    const who = { applicantId: `applicant-${user}`, externalUserId: user, levelName: 'basic' };
    return { vendor: 'sumsub', body: { ...who, type, reviewStatus, reviewResult, createdAtMs } };
  });
  const [, reviewStatus, reviewResult] = SUMSUB_WORDS[course.at(-1) ?? 'begun'];
  const reviewDate = `${sumsubTime(times.at(-1) ?? new Date()).slice(0, 19)}+0000`;
  apis.sumsub.set(`applicant-${user}`, {
    levelName: 'basic',
    reviewStatus,
    ...(reviewResult && { reviewResult, reviewDate }),
  });
  return told;
}

const PAYCADDY_WORDS: Readonly<Record<Word, string>> = {
  begun: 'verification_inputs_completed',
  working: 'verification_inputs_completed',
  review: 'reviewNeeded',
  approved: 'verified',
  rejected: 'rejected',
};

function atPaycaddy(
  apis: ProviderApiServer,
  user: string,
  course: readonly Word[],
): readonly Told[] {
  apis.paycaddy.set(user, { id: user, isActive: course.at(-1) === 'approved' });
  return course.map((word, index) => {
    const timeStamp = new Date(earlier().getTime() + index * 700).toISOString();
    const body = { metadata: { userId: user }, status: PAYCADDY_WORDS[word], timeStamp };
    return { vendor: 'paycaddy', body };
  });
}

const P100_WORDS: Readonly<Record<Word, readonly [string, string]>> = {
  begun: ['NOT_VERIFIED', 'PENDING'],
  working: ['NOT_VERIFIED', 'VERIFICATION'],
  review: ['NOT_VERIFIED', 'VERIFICATION'],
  approved: ['VERIFIED', 'SUCCESSFUL'],
  rejected: ['NOT_VERIFIED', 'REJECTED_BY_PROVIDER'],
};

function atP100(apis: ProviderApiServer, user: string, course: readonly Word[]): readonly Told[] {
  const bodies = course.map((word) => {
    const [verificationStatus, attemptStatus] = P100_WORDS[word];
    return { externalUserId: user, verificationStatus, attemptStatus };
  });
  apis.p100.set(user, bodies.at(-1) ?? {});
  return bodies.map((body) => ({ vendor: 'p100', body }));
}

// ── What the gateway holds ──────────────────────────────────────────────────────────────────────────────────────────

const STATUS_BY_WORD: Readonly<Record<Word, string>> = {
  begun: 'PENDING',
  working: 'IN_PROGRESS',
  review: 'IN_REVIEW',
  approved: 'APPROVED',
  rejected: 'REJECTED',
};

const STANDING = `query ($provider: Provider!, $ref: String!) {
  user(identity: { provider: $provider, ref: $ref }) {
    verificationStatus
    attempts(first: 1) { nodes { status trust } }
  }
}`;

interface Person {
  readonly provider: 'SUMSUB' | 'PAYCADDY' | 'P100';
  readonly ref: string;
  readonly last: Word;
}

async function wrongs(gateway: TestGateway, people: readonly Person[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { provider, ref, last } of people) {
    const { data } = await gateway.ask(STANDING, { provider, ref });
    const { status } = data.user.attempts.nodes[0];
    const verified = last === 'approved' ? 'VERIFIED' : 'NOT_VERIFIED';
    // P100 has one status for both, and PayCaddy's API does not return the reason for a missing approval.
    const alike = provider === 'P100' && last === 'review' ? 'IN_PROGRESS' : STATUS_BY_WORD[last];
    const right = status === alike || (provider === 'PAYCADDY' && last !== 'approved');
    if (data.user.verificationStatus !== verified || !right) found.push(`${ref}: ${status}`);
  }
  return found;
}

it('corrects all states by status checks after 30 % of the webhooks were lost, 20 % duplicated, and all shuffled', async () => {
  const apis = await startProviderApis(disposal);
  const outcomes: Partial<Record<StatusCheckOutcome, number>> = {};
  const { url: DATABASE_URL, drop } = await createTestDatabase();
  disposal.defer(drop);
  const deaf = await startGateway(disposal, { env: { DATABASE_URL }, clock: earlier });
  const random = createRandom(20250101);
  const people: Person[] = [];
  const certain: Told[] = [];
  const risky: Told[] = [];
  for (let n = 0; n < 40; n += 1) {
    for (const [provider, tell] of [
      ['SUMSUB', atSumsub],
      ['PAYCADDY', atPaycaddy],
      ['P100', atP100],
    ] as const) {
      const course = COURSES[n % COURSES.length] ?? [];
      const user = `${provider.toLowerCase()}-user-${n}`;
      const [first, ...rest] = tell(apis, user, course);
      // Without any delivery, the gateway does not know the account and cannot check it.
      if (first !== undefined) certain.push(first);
      risky.push(...rest);
      const ref = provider === 'SUMSUB' ? `applicant-${user}` : user;
      people.push({ provider, ref, last: course.at(-1) ?? 'begun' });
    }
  }
  const arriving = risky.filter(() => random() >= 0.3);
  const all = [...certain, ...arriving];
  const doubled = [...all, ...all.filter(() => random() < 0.2)];
  const shuffled = doubled
    .map((told) => ({ told, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ told }) => told);
  for (const { vendor, body } of shuffled) {
    expect((await deaf.post(vendor, body)).status).toBe(200);
  }

  expect(arriving.length).toBeLessThan(risky.length * 0.8);
  expect((await wrongs(deaf, people)).length).toBeGreaterThan(0);
  await deaf.stop();

  const gateway = await startGateway(disposal, {
    env: { ...apis.env, ...SOON, DATABASE_URL },
    reconcileObserver: {
      onChecked(_: ProviderId, outcome: StatusCheckOutcome) {
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      },
    },
  });
  await until(async () => (await wrongs(gateway, people)).length === 0);
  expect(outcomes.CHANGED).toBeGreaterThan(0);
  expect(outcomes.FAILED ?? 0).toBe(0);
  expect(apis.requestedPaths).toHaveLength(new Set(apis.requestedPaths).size);
});

it('logs a failing provider once and checks again when it is available', async () => {
  const apis = await startProviderApis(disposal);
  const { log, lines } = createRecordedLog();
  const circuitStates: boolean[] = [];
  const gateway = await startGateway(disposal, {
    env: { ...apis.env, ...SOON },
    log,
    reconcileLimits: { backoffMs: 1, maxFailures: 3, restMs: 50 },
    reconcileObserver: {
      onCircuit(provider, up) {
        if (provider === 'sumsub') circuitStates.push(up);
      },
    },
  });
  apis.setFault(respond(500, {}, 'passport number 123'));
  for (let n = 0; n < 10; n += 1) {
    const [, working] = atSumsub(apis, `user-${n}`, ['begun', 'working', 'approved']);
    await gateway.post('sumsub', working?.body ?? {});
  }
  const warnings = () => lines.filter(({ msg }) => String(msg).includes('pausing checks'));
  await until(() => warnings().length > 0);
  apis.setFault(null);
  await until(async () => (await gateway.store.read.countAttempts({ status: ['APPROVED'] })) >= 6);
  expect(circuitStates.slice(0, 3)).toEqual([true, false, true]);
  expect(warnings()).toHaveLength(circuitStates.filter((up) => !up).length);
  expect(JSON.stringify(lines)).not.toMatch(/passport|applicant-user|secret-key|app-token/);
});

it('checks an action whose result never arrived, without effect on other levels', async () => {
  const apis = await startProviderApis(disposal);
  const gateway = await startGateway(disposal, { env: { ...apis.env, ...SOON } });
  const who = { applicantId: 'applicant-1', externalUserId: 'ada' };
  const action = (applicantActionId: string) => ({
    ...who,
    type: 'applicantActionPending',
    applicantActionId,
    levelName: 'card-level',
    reviewStatus: 'completed',
    createdAtMs: sumsubTime(earlier()),
  });
  for (const id of ['action-1', 'action-2']) {
    const review = { levelName: 'card-level', reviewStatus: 'completed' };
    const reviewResult = { reviewAnswer: id === 'action-1' ? 'GREEN' : 'RED' };
    apis.actions.set(id, { id, applicantId: 'applicant-1', review: { ...review, reviewResult } });
    await gateway.post('sumsub', action(id));
  }
  const STATE = `{ user(externalUserId: "ada") {
    verificationStatus
    attempts { nodes { status trust providerAttemptRef } }
  } }`;

  await until(async () => (await gateway.store.read.countAttempts({ status: ['REJECTED'] })) === 1);
  await until(async () => (await gateway.store.read.countAttempts({ status: ['APPROVED'] })) === 1);

  const { data } = await gateway.ask(STATE);
  expect(data.user.verificationStatus).toBe('NOT_VERIFIED');
  expect(new Set(data.user.attempts.nodes.map(JSON.stringify))).toEqual(
    new Set([
      JSON.stringify({ status: 'APPROVED', trust: 'CONFIRMED', providerAttemptRef: 'action-1' }),
      JSON.stringify({ status: 'REJECTED', trust: 'CONFIRMED', providerAttemptRef: 'action-2' }),
    ]),
  );
  // No delivery of the account itself has arrived.
  expect(apis.requestedPaths.filter((path) => path.includes('/applicants/'))).toEqual([]);
});

it('requests a status from Kraken with a token of the gateway', async () => {
  const apis = await startProviderApis(disposal);
  const gateway = await startGateway(disposal, {
    env: { ...apis.krakenEnv, ...SOON, RECONCILE_OPEN_AFTER: 'PT1S' },
  });
  apis.kraken.set('user-1', { userId: 'user-1', state: 'approved' });
  await gateway.post(
    'fractal-id',
    { id: 'user-1', status: 'pending', note: '' },
    { fractalIdFormat: 'kraken' },
  );

  await until(async () => (await gateway.store.read.countAttempts({ status: ['APPROVED'] })) === 1);

  expect(apis.requestedPaths).toContain('/public/kyc/user-1/status');
});

it('an approval by token is void where P100 answers that the user is not verified', async () => {
  const apis = await startProviderApis(disposal);
  const gateway = await startGateway(disposal, {
    env: { ...apis.env, ...SOON, RECONCILE_UNCONFIRMED_AFTER: 'PT1S' },
  });
  apis.setFault(respond(400, {}, '{"code":"P459","message":"User is not verified"}'));
  await gateway.post('p100', {
    externalUserId: 'ada',
    verificationStatus: 'VERIFIED',
    attemptStatus: 'SUCCESSFUL',
  });

  await until(
    async () => (await gateway.store.read.countAttempts({ status: ['CANCELLED'] })) === 1,
  );

  const { data } = await gateway.ask('{ user(externalUserId: "ada") { verificationStatus } }');
  expect(data.user.verificationStatus).toBe('NOT_VERIFIED');
});

/** On an SQLite file there is one gateway. */
const onPostgres = ENGINE === 'postgres' ? it : it.skip;

onPostgres('checks each user once with two gateways on one database', async () => {
  const apis = await startProviderApis(disposal);
  const { url: DATABASE_URL, drop } = await createTestDatabase();
  disposal.defer(drop);
  const env = { ...apis.env, ...SOON, DATABASE_URL };
  const one = await startGateway(disposal, { env });
  const two = await startGateway(disposal, { env });
  for (let n = 0; n < 30; n += 1) {
    const told = atSumsub(apis, `user-${n}`, ['begun', 'working', 'approved']);
    await (n % 2 === 0 ? one : two).post('sumsub', told[1]?.body ?? {});
  }
  await until(async () => (await one.store.read.countAttempts({ status: ['APPROVED'] })) === 30);
  expect(apis.requestedPaths).toHaveLength(new Set(apis.requestedPaths).size);
});
