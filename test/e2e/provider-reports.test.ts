/** Webhooks that public reports describe, and what a client then reads. */

import { createDisposal } from '../support/disposal';
import { signedRequest } from '../support/sign';
import { SECRETS, startGateway, type TestGateway } from './support/gateway';
import { readMetrics } from './support/metrics';

const disposal = createDisposal();

const sumsub = (fields: object) => ({
  applicantId: '64f1c0a2b7d94e0012ab3401',
  applicantType: 'individual',
  correlationId: 'req-1c7a',
  levelName: 'id-and-liveness',
  externalUserId: 'user-1',
  sandboxMode: false,
  createdAtMs: '2025-06-02 10:20:00.001',
  clientId: 'acmeClient',
  ...fields,
});

const GREEN = sumsub({
  type: 'applicantReviewed',
  reviewStatus: 'completed',
  reviewResult: { reviewAnswer: 'GREEN' },
  createdAtMs: '2025-06-02 10:15:30.417',
});

const PENDING = sumsub({
  type: 'applicantPending',
  reviewStatus: 'pending',
  createdAtMs: '2025-06-02 10:15:30.417',
});

const FAILED = sumsub({
  type: 'applicantWorkflowFailed',
  reviewStatus: 'completed',
  reviewResult: { reviewAnswer: 'RED', rejectLabels: ['FORGERY'], reviewRejectType: 'FINAL' },
});

const FAILED_WITHOUT_VERDICT = sumsub({ type: 'applicantWorkflowFailed', reviewStatus: 'init' });

const STEPS_RESET = sumsub({
  type: 'applicantStepsReset',
  reviewStatus: 'init',
  reviewResult: { reviewAnswer: 'GREEN' },
});

const USER = `query ($id: String!) { user(externalUserId: $id) {
  verificationStatus
  attempts(orderBy: { field: STARTED_AT, direction: ASC }) {
    nodes { status reviewReasons { code providerCode } rejection { retryable } }
  }
} }`;

async function userOf(gateway: TestGateway, id = 'user-1') {
  const { data, text } = await gateway.ask(USER, { id });
  if (data === null || data === undefined) throw new Error(text);
  if (data.user === null) return null;
  const { verificationStatus, attempts } = data.user;
  return {
    verificationStatus,
    attempts: attempts.nodes.map(({ status }: { status: string }) => status),
    latest: attempts.nodes.at(-1),
  };
}

async function userAfter(...bodies: readonly object[]) {
  const gateway = await startGateway(disposal);
  for (const body of bodies) expect((await gateway.post('sumsub', body)).status).toBe(200);
  return userOf(gateway);
}

describe('a workflow that failed', () => {
  it('with a verdict rejects an applicant, before or after an approval', async () => {
    const rejected = { verificationStatus: 'NOT_VERIFIED', attempts: ['REJECTED'] };

    expect(await userAfter(PENDING, FAILED)).toMatchObject(rejected);
    expect(await userAfter(GREEN, FAILED)).toMatchObject(rejected);
    expect(await userAfter(FAILED, GREEN)).toMatchObject(rejected);
  });

  it('without a verdict leaves the decision to a person', async () => {
    expect(await userAfter(PENDING, FAILED_WITHOUT_VERDICT)).toMatchObject({
      verificationStatus: 'NOT_VERIFIED',
      attempts: ['IN_REVIEW'],
    });
  });

  it('without a verdict voids an earlier approval, in both orders of arrival', async () => {
    const open = { verificationStatus: 'NOT_VERIFIED', attempts: ['CANCELLED', 'IN_REVIEW'] };

    expect(await userAfter(GREEN, FAILED_WITHOUT_VERDICT)).toMatchObject(open);
    expect(await userAfter(FAILED_WITHOUT_VERDICT, GREEN)).toMatchObject(open);
  });
});

describe('a reset of steps', () => {
  it('voids the approval of the level and requires action, in both orders of arrival', async () => {
    const open = { verificationStatus: 'NOT_VERIFIED', attempts: ['CANCELLED', 'ACTION_REQUIRED'] };

    expect(await userAfter(GREEN, STEPS_RESET)).toMatchObject(open);
    expect(await userAfter(STEPS_RESET, GREEN)).toMatchObject(open);
  });

  it('keeps an open attempt open', async () => {
    expect(await userAfter(PENDING, STEPS_RESET)).toMatchObject({ attempts: ['ACTION_REQUIRED'] });
  });

  it('is over when the level is approved again', async () => {
    const again = { ...GREEN, createdAtMs: '2025-06-02 10:30:00.000' };

    expect(await userAfter(GREEN, STEPS_RESET, again)).toMatchObject({
      verificationStatus: 'VERIFIED',
      attempts: ['CANCELLED', 'APPROVED'],
    });
  });
});

it('approves an applicant whose approval has empty strings for absent words', async () => {
  const reviewResult = {
    reviewAnswer: 'GREEN',
    reviewRejectType: '',
    moderationComment: '',
    clientComment: '',
    rejectLabels: [],
  };

  expect(await userAfter({ ...GREEN, reviewResult })).toMatchObject({
    verificationStatus: 'VERIFIED',
  });
});

it('shows why an applicant is on hold', async () => {
  const reviewResult = { reviewAnswer: 'RED', rejectLabels: ['SANCTIONS'] };
  const hold = sumsub({ type: 'applicantOnHold', reviewStatus: 'onHold', reviewResult });

  expect(await userAfter(PENDING, hold)).toMatchObject({
    attempts: ['IN_REVIEW'],
    latest: { reviewReasons: [{ code: 'AML', providerCode: 'SANCTIONS' }] },
  });
});

describe('a status of P100', () => {
  const status = {
    externalUserId: 'user-1',
    verificationStatus: 'VERIFIED',
    attemptStatus: 'SUCCESSFUL',
    rejectionReason: '',
  };
  const send = async (gateway: TestGateway, path: string) => {
    const request = signedRequest('p100', status, { secret: SECRETS.p100 });
    return await gateway.send({ ...request, path: `/webhooks/p100${path}` });
  };

  it.each([
    '//webhook/kyc-verification/status',
    '/webhook/kyc-verification/status/webhook/kyc-verification/status',
    '/WEBHOOK/kyc-verification/Status/',
  ])('is applied at the path %s', async (path) => {
    const gateway = await startGateway(disposal);

    expect((await send(gateway, path)).kept?.disposition).toBe('APPLIED');
    expect(await userOf(gateway)).toMatchObject({ verificationStatus: 'VERIFIED' });
  });

  it.each(['/webhook/kyc/status', '/webhook/user/status', '/%00', `/${'x'.repeat(4_000)}`])(
    'is quarantined at the path %s',
    async (path) => {
      const gateway = await startGateway(disposal);
      const { status: code, kept } = await send(gateway, path);

      // A path with NUL may be refused before it reaches the adapter.
      if (path !== '/%00') expect(code).toBe(200);
      if (code === 200) expect(kept?.disposition).toBe('QUARANTINED');
      expect(code).toBeLessThan(500);
      expect(await userOf(gateway)).toBeNull();
    },
  );
});

describe('an ID', () => {
  /** No two characters the same, so that no index can compress them. */
  const longId = (first: number) =>
    Array.from({ length: 512 }, (_, index) => String.fromCodePoint(first + index)).join('');

  it.each([
    ['in ASCII', Array.from({ length: 512 }, (_, index) => (index % 36).toString(36)).join('')],
    ['of three bytes a character', longId(0x4e00)],
    ['of four bytes a character', longId(0x20000)],
  ])('may have 512 characters %s, in every field', async (_, id) => {
    const gateway = await startGateway(disposal);
    const fields = { applicantId: id, externalUserId: id, levelName: id };
    const action = { type: 'applicantActionPending', applicantActionId: id };
    const status = {
      externalUserId: `${Array.from(id).slice(2).join('')}-1`,
      verificationStatus: 'VERIFIED',
    };

    expect((await gateway.post('sumsub', { ...GREEN, ...fields })).kept?.disposition).toBe(
      'APPLIED',
    );
    const pending = await gateway.post('sumsub', sumsub({ ...fields, ...action, levelName: 'x' }));
    expect(pending.kept?.disposition).toBe('APPLIED');
    expect((await gateway.post('p100', status)).kept?.disposition).toBe('APPLIED');

    expect(await userOf(gateway, id)).toMatchObject({ verificationStatus: 'VERIFIED' });
    const { data } = await gateway.ask('{ verificationAttempts { nodes { providerAttemptRef } } }');
    expect(data.verificationAttempts.nodes).toContainEqual({ providerAttemptRef: id });
  });
});

describe('a message of an unknown type', () => {
  it('is answered 200, quarantined, and counted once by provider', async () => {
    const gateway = await startGateway(disposal);
    const unknown = sumsub({ type: 'applicantSomethingNew', reviewStatus: 'completed' });

    for (let time = 0; time < 2; time++) {
      const { status, kept } = await gateway.post('sumsub', unknown);
      expect({ status, disposition: kept?.disposition }).toEqual({
        status: 200,
        disposition: 'QUARANTINED',
      });
    }

    const series = await readMetrics(gateway);
    expect(
      ['sumsub', 'p100'].map((provider) =>
        series.get(`kyc_unknown_webhook_types_total{provider="${provider}"}`),
      ),
    ).toEqual([1, 0]);
    const { data } = await gateway.ask('{ webhookDeliveries { nodes { eventType reason } } }');
    expect(data.webhookDeliveries.nodes).toEqual([
      {
        eventType: 'applicantSomethingNew',
        reason: expect.stringContaining('type'),
      },
    ]);
  });
});
