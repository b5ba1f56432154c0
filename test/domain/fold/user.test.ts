import { IdentityFold } from '../../../src/domain/fold/identity';
import type { RecordedEvent } from '../../../src/domain/fold/recorded-event';
import { DEFAULT_POLICY, type Policy } from '../../../src/domain/policy';
import { type IdentityEvents, projectUser } from './project';
import { account, at, dated, levelChange, recorded, reset, undated } from './recorded';

const NOW = new Date('2024-06-01T00:00:00Z');

function identity(
  events: readonly RecordedEvent[],
  subjectRef = 'subject-1',
  provider = 'sumsub',
): IdentityEvents {
  return { provider, subjectRef, events };
}

function project(
  identities: readonly IdentityEvents[],
  {
    policy = DEFAULT_POLICY,
    acceptSandbox = true,
    now = NOW,
  }: { policy?: Policy; acceptSandbox?: boolean; now?: Date } = {},
) {
  return projectUser(identities, { policy, acceptSandbox, now });
}

function levelStatus(events: readonly RecordedEvent[]): string | undefined {
  return project([identity(events)]).levels[0]?.status;
}

describe('a level', () => {
  it.each([
    ['is not verified while its first attempt is open', [dated(1, 'IN_PROGRESS')], 'NOT_VERIFIED'],
    ['is verified by an approval', [dated(1, 'APPROVED')], 'VERIFIED'],
    [
      'stays verified while a re-verification is open',
      [dated(1, 'APPROVED'), dated(2, 'IN_PROGRESS')],
      'VERIFIED',
    ],
    [
      'is not verified after a later rejection',
      [dated(1, 'APPROVED'), dated(2, 'PENDING'), dated(3, 'REJECTED')],
      'NOT_VERIFIED',
    ],
    ['is not verified after a reset', [dated(1, 'APPROVED'), reset(2)], 'NOT_VERIFIED'],
    ['expires with its attempt', [dated(1, 'APPROVED'), dated(2, 'EXPIRED')], 'EXPIRED'],
    [
      'has the level status that the provider sent',
      [undated(1, 'NOT_VERIFIED', 'APPROVED')],
      'NOT_VERIFIED',
    ],
    [
      'is not verified after the deletion of the account',
      [dated(1, 'APPROVED'), account(2, 'DELETED')],
      'NOT_VERIFIED',
    ],
  ] as const)('%s', (_, events, expected) => {
    expect(levelStatus(events)).toBe(expected);
  });

  it('has the start of its status and its latest attempt', () => {
    const [level] = project([
      identity([dated(1, 'PENDING'), dated(5, 'APPROVED'), dated(7, 'IN_PROGRESS')]),
    ]).levels;
    expect(level).toMatchObject({
      status: 'VERIFIED',
      since: at(5),
      latestAttempt: { identity: 0, number: 2 },
    });
  });

  it('expires after the lifetime in the policy', () => {
    const policy: Policy = { verified: null, expiresAfterMs: { '*': 60 * 60_000 } };
    const events = [identity([dated(0, 'APPROVED')])];
    const during = project(events, { policy, now: new Date(Date.UTC(2024, 0, 1, 0, 59)) });
    expect(during.levels[0]).toMatchObject({ status: 'VERIFIED', since: at(0), expiresAt: at(60) });
    expect(during.verification).toMatchObject({ status: 'VERIFIED', expiresAt: at(60) });
    const after = project(events, { policy, now: new Date(Date.UTC(2024, 0, 1, 1, 0)) });
    expect(after.levels[0]).toMatchObject({ status: 'EXPIRED', since: at(60) });
    expect(after.verification).toMatchObject({
      status: 'EXPIRED',
      since: at(60),
      missing: ['sumsub/basic'],
    });
  });

  describe('with a lifetime of one hour', () => {
    const policy: Policy = { verified: null, expiresAfterMs: { '*': 60 * 60_000 } };
    const minute = (minutes: number) => new Date(Date.UTC(2024, 0, 1, 0, minutes));
    const levelAt = (events: readonly RecordedEvent[], now: number) =>
      project([identity(events)], { policy, now: minute(now) }).levels[0];

    it('expires one hour after the latest approval and starts with the first', () => {
      const twice = [dated(0, 'APPROVED'), dated(30, 'APPROVED')];
      const renewed30 = { status: 'VERIFIED', since: at(0), expiresAt: at(90) };
      expect(levelAt(twice, 59)).toMatchObject(renewed30);
      expect(levelAt(twice, 89)).toMatchObject(renewed30);
      expect(levelAt(twice, 90)).toMatchObject({ status: 'EXPIRED', since: at(90) });
      expect(levelAt([...twice].reverse(), 89)).toMatchObject(renewed30);
    });

    it('starts again with an approval after its expiry', () => {
      const late = [dated(0, 'APPROVED'), dated(60, 'APPROVED')];
      expect(levelAt(late, 70)).toMatchObject({
        status: 'VERIFIED',
        since: at(60),
        expiresAt: at(120),
      });
      expect(levelAt(late, 70)?.latestAttempt.number).toBe(1);
    });

    it('starts with the first approval across several attempts', () => {
      const renewed = [dated(0, 'APPROVED'), dated(20, 'PENDING'), dated(30, 'APPROVED')];
      expect(levelAt(renewed, 80)).toMatchObject({ since: at(0), expiresAt: at(90) });
      const renewedLate = [dated(0, 'APPROVED'), dated(20, 'PENDING'), dated(70, 'APPROVED')];
      expect(levelAt(renewedLate, 80)).toMatchObject({ since: at(70), expiresAt: at(130) });
    });

    it('expires one hour after the latest approval with a level status', () => {
      const twice = [undated(0, 'VERIFIED', 'APPROVED'), undated(30, 'VERIFIED', 'APPROVED')];
      expect(levelAt(twice, 80)).toMatchObject({ since: at(0), expiresAt: at(90) });
      const failed = [
        ...twice,
        undated(40, 'VERIFIED', 'PENDING'),
        undated(45, 'VERIFIED', 'REJECTED'),
      ];
      expect(levelAt(failed, 80)).toMatchObject({ since: at(0), expiresAt: at(90) });
    });

    it('is not extended by a level status without an approval', () => {
      const confirmed = [undated(0, 'VERIFIED', 'APPROVED'), undated(30, 'VERIFIED')];
      expect(levelAt(confirmed, 50)).toMatchObject({ expiresAt: at(60) });
    });
  });

  it('has the status of the account with the latest decision, including a repeated one', () => {
    const approved = identity([dated(1, 'APPROVED'), dated(3, 'APPROVED')], 'a');
    const rejected = identity([dated(2, 'REJECTED')], 'b');
    expect(project([approved, rejected]).levels).toMatchObject([
      { status: 'VERIFIED', since: at(1) },
    ]);
  });

  it('has the status of the latest decision of two accounts', () => {
    const older = identity([dated(1, 'APPROVED')], 'a');
    const newer = identity([dated(2, 'REJECTED')], 'b');
    expect(project([older, newer]).levels).toMatchObject([
      { status: 'NOT_VERIFIED', since: at(2) },
    ]);
  });

  it('stays verified after the deletion of a second account', () => {
    const kept = identity([dated(1, 'APPROVED')], 'a');
    const deleted = identity([dated(2, 'PENDING'), account(3, 'DELETED')], 'b');
    expect(project([kept, deleted]).levels).toMatchObject([{ status: 'VERIFIED' }]);
  });
});

describe('a user', () => {
  it('is verified if every level at one provider is verified', () => {
    const basic = dated(1, 'APPROVED');
    const plus = dated(2, 'PENDING', { level: 'plus' });
    expect(project([identity([basic])]).verification.status).toBe('VERIFIED');
    expect(project([identity([basic, plus])]).verification).toMatchObject({
      status: 'NOT_VERIFIED',
      missing: ['sumsub/plus'],
    });
    const elsewhere = identity([dated(1, 'APPROVED')], 'x', 'paycaddy');
    expect(project([identity([basic, plus]), elsewhere]).verification).toMatchObject({
      status: 'VERIFIED',
      because: ['paycaddy/basic'],
    });
  });

  it('requires an add-on that was seen', () => {
    const events = [
      dated(1, 'APPROVED'),
      dated(2, 'PENDING', { level: 'liveness', levelKind: 'ADD_ON' }),
    ];
    expect(project([identity(events)]).verification.status).toBe('NOT_VERIFIED');
  });

  it('is never verified by an action', () => {
    const action = dated(1, 'APPROVED', { levelKind: 'ACTION', attemptRef: 'action-1' });
    expect(project([identity([action])]).verification.status).toBe('NOT_VERIFIED');
    expect(project([identity([action])]).levels).toMatchObject([
      { status: 'VERIFIED', kind: 'ACTION' },
    ]);
  });

  it('is not verified by a level that was also sent as a lesser kind', () => {
    const action = dated(1, 'PENDING', { levelKind: 'ACTION', attemptRef: 'action-1' });
    const one = [dated(2, 'APPROVED'), action];
    expect(project([identity(one)]).levels).toMatchObject([{ kind: 'ACTION' }]);
    const two = [identity([action], 'a'), identity([dated(2, 'APPROVED')], 'b')];
    expect(project(two).levels).toMatchObject([{ status: 'VERIFIED', kind: 'ACTION' }]);
    expect(project(two).verification.status).toBe('NOT_VERIFIED');
    const addOn = [dated(1, 'APPROVED', { levelKind: 'ADD_ON' }), dated(2, 'APPROVED')];
    expect(project([identity(addOn)]).levels).toMatchObject([{ kind: 'ADD_ON' }]);
  });

  it('ignores the kind of a level in the test environment in production', () => {
    const sandboxed = { levelKind: 'ACTION', sandbox: true } as const;
    const events = [identity([dated(1, 'APPROVED'), dated(2, 'APPROVED', sandboxed)])];
    expect(project(events, { acceptSandbox: false }).verification.status).toBe('VERIFIED');
    expect(project(events, { acceptSandbox: true }).verification.status).toBe('NOT_VERIFIED');
  });

  it('does not require a level that the provider replaced', () => {
    const moved = [
      dated(1, 'PENDING'),
      levelChange(2),
      dated(2, 'PENDING', { level: 'plus' }),
      dated(3, 'APPROVED', { level: 'plus' }),
    ];
    expect(project([identity(moved)]).verification).toMatchObject({
      status: 'VERIFIED',
      because: ['sumsub/plus'],
    });
  });

  it('is not verified by a test environment in production', () => {
    const events = [identity([dated(1, 'APPROVED', { sandbox: true })])];
    expect(project(events, { acceptSandbox: true }).verification.status).toBe('VERIFIED');
    const production = project(events, { acceptSandbox: false });
    expect(production.verification.status).toBe('NOT_VERIFIED');
    expect(production.identities[0]?.attempts).toMatchObject([
      { status: 'APPROVED', sandbox: true },
    ]);
    expect(production.levels).toEqual([]);
  });

  it('keeps live attempts separate from the test environment', () => {
    const events = [dated(1, 'REJECTED'), dated(2, 'APPROVED', { sandbox: true })];
    const projection = project([identity(events)], { acceptSandbox: false });
    expect(projection.identities[0]?.attempts.map(({ status }) => status)).toEqual([
      'REJECTED',
      'APPROVED',
    ]);
    expect(projection.verification.status).toBe('NOT_VERIFIED');
  });

  it('keeps live attempts when the account in the test environment is deleted', () => {
    const sandbox = { sandbox: true };
    const events = [
      dated(1, 'APPROVED'),
      dated(1, 'APPROVED', sandbox),
      account(2, 'DELETED', sandbox),
    ];
    for (const acceptSandbox of [true, false]) {
      const [projected] = project([identity(events)], { acceptSandbox }).identities;
      expect(projected?.attempts.map(({ status }) => status)).toEqual(['APPROVED', 'CANCELLED']);
    }
    const production = project([identity(events)], { acceptSandbox: false });
    expect(production.verification.status).toBe('VERIFIED');
    expect(production.identities[0]?.state).toBe('ACTIVE');
    expect(production.active).toBe(true);
    const testing = project([identity(events)], { acceptSandbox: true });
    expect(testing.identities[0]?.state).toBe('DELETED');
    expect(testing.active).toBe(false);
  });

  it('keeps attempts in the test environment when the live account is deleted', () => {
    const events = [dated(1, 'APPROVED', { sandbox: true }), account(2, 'DELETED')];
    expect(project([identity(events)]).identities[0]?.attempts).toMatchObject([
      { status: 'APPROVED' },
    ]);
  });

  it('ignores accounts in the test environment in production', () => {
    const deleted = identity([account(1, 'DELETED')], 'a');
    const testing = identity([dated(1, 'APPROVED', { sandbox: true })], 'b');
    expect(project([deleted, testing], { acceptSandbox: false }).active).toBe(false);
    expect(project([deleted, testing], { acceptSandbox: true }).active).toBe(true);
    const off = identity([account(1, 'DEACTIVATED', { sandbox: true })], 'c');
    expect(project([off], { acceptSandbox: false }).active).toBe(true);
    expect(project([off], { acceptSandbox: true }).active).toBe(false);
  });

  it.each([
    ['with no account', [], true],
    ['with a live account', [[]], true],
    ['with a deactivated account', [[account(1, 'DEACTIVATED')]], false],
    ['with a deactivated and a live account', [[account(1, 'DEACTIVATED')], []], false],
    ['with a reactivated account', [[account(1, 'DEACTIVATED'), account(2, 'ACTIVE')]], true],
    ['with its only account deleted', [[account(1, 'DELETED')]], false],
    ['with a second account deleted', [[account(1, 'DELETED')], []], true],
    [
      'with all states at one timestamp',
      [[account(1, 'ACTIVE'), account(1, 'DELETED'), account(1, 'DEACTIVATED')]],
      false,
    ],
  ] as const)('is active or not %s', (_, accounts, expected) => {
    const identities = accounts.map((events, index) => identity(events, `subject-${index}`));
    expect(project(identities).active).toBe(expected);
  });
});

describe('a final rejection for fraud or money laundering', () => {
  const fraud = { code: 'FRAUD_SUSPECTED', providerCode: 'FORGERY', message: null } as const;
  const final = { retryable: false, reasons: [fraud] };
  const elsewhere = (...events: readonly RecordedEvent[]) => identity(events, 'x', 'p100');
  const approved = dated(1, 'APPROVED');

  // Regression: a user rejected for forgery by one provider stayed VERIFIED by an older approval of another.
  it('blocks an older approval at any provider', () => {
    const user = project([elsewhere(approved), identity([dated(2, 'REJECTED', final)])]);
    expect(user.verification).toMatchObject({
      status: 'NOT_VERIFIED',
      since: at(2),
      blockedBy: ['sumsub/basic'],
    });
    expect(user.levels).toMatchObject([
      { levelKey: 'p100/basic', status: 'VERIFIED', blockedBy: 'sumsub/basic', blockedAt: at(2) },
      { levelKey: 'sumsub/basic', status: 'NOT_VERIFIED', blockedBy: null },
    ]);
  });

  it.each([
    ['that is retryable', [dated(2, 'REJECTED', { ...final, retryable: true })]],
    ['that may be retryable', [dated(2, 'REJECTED', { reasons: [fraud] })]],
    [
      'for another reason',
      [
        dated(2, 'REJECTED', {
          retryable: false,
          reasons: [{ ...fraud, code: 'DOCUMENT_QUALITY' }],
        }),
      ],
    ],
    ['that is older than the approval', [dated(0, 'REJECTED', final)]],
    ['that was revised', [dated(2, 'REJECTED', final), dated(3, 'APPROVED')]],
    [
      'of an ACTION level',
      [dated(2, 'REJECTED', { ...final, levelKind: 'ACTION', attemptRef: 'action-1' })],
    ],
    ['in the test environment', [dated(2, 'REJECTED', { ...final, sandbox: true })]],
  ] as const)('blocks nothing if it is one %s', (_, events) => {
    const user = project([elsewhere(approved), identity(events)], { acceptSandbox: false });
    expect(user.verification).toMatchObject({ status: 'VERIFIED', blockedBy: [] });
  });

  // Regression: after the rejected account left the level, an older approval of another account counted again.
  it('blocks an older approval at its own level once the rejected account is deleted', () => {
    const other = identity([dated(1, 'APPROVED')], 'other');
    const rejected = [dated(2, 'REJECTED', final), account(3, 'DELETED')];
    const user = project([other, identity(rejected, 'rejected')]);
    expect(user.verification).toMatchObject({
      status: 'NOT_VERIFIED',
      blockedBy: ['sumsub/basic'],
    });
  });

  it('still blocks while another attempt is open and after a reset', () => {
    const after = [dated(2, 'REJECTED', final), dated(3, 'IN_PROGRESS'), reset(4)];
    expect(project([elsewhere(approved), identity(after)]).verification.status).toBe(
      'NOT_VERIFIED',
    );
  });

  it('blocks again if the approval of a later attempt is voided by a reset, until the next approval', () => {
    const blockedAfter = (...events: readonly RecordedEvent[]) => {
      const rejected = dated(2, 'REJECTED', final);
      const again = [dated(3, 'IN_PROGRESS'), dated(4, 'APPROVED')];
      return project([elsewhere(approved), identity([rejected, ...again, ...events])]).verification
        .blockedBy;
    };
    expect(blockedAfter()).toEqual([]);
    expect(blockedAfter(reset(5))).toEqual(['sumsub/basic']);
    expect(blockedAfter(reset(5), dated(6, 'APPROVED'))).toEqual([]);
  });

  it('does not block after a reset if the provider revised it to an approval', () => {
    const revised = [dated(2, 'REJECTED', final), dated(3, 'APPROVED'), reset(4)];
    const user = project([elsewhere(approved), identity(revised)]);
    expect(user.verification.blockedBy).toEqual([]);
  });

  it('does not block a newer approval', () => {
    const again = elsewhere(approved, dated(5, 'APPROVED'));
    const user = project([again, identity([dated(2, 'REJECTED', final)])]);
    expect(user.verification.status).toBe('VERIFIED');
  });

  it('blocks nothing if the policy lists no reasons', () => {
    const policy = { ...DEFAULT_POLICY, blockedBy: [] };
    const user = project([elsewhere(approved), identity([dated(2, 'REJECTED', final)])], {
      policy,
    });
    expect(user.verification.status).toBe('VERIFIED');
  });
});

describe('the external user ID', () => {
  it('is the one in the latest event', () => {
    const first = dated(1, 'PENDING', { externalUserId: 'old' });
    const second = dated(2, 'PENDING', { externalUserId: 'new' });
    const without = recorded('without', 3, {
      type: 'ACCOUNT',
      subjectRef: 's',
      state: 'ACTIVE',
      occurredAt: at(3),
    });
    const any = () => true;
    const fold = new IdentityFold('p', [second, without, first]);
    expect(fold.findExternalUserId(any)).toBe('new');
    expect(fold.findExternalUserId((event) => event !== second)).toBe('old');
    expect(new IdentityFold('p', [without]).findExternalUserId(any)).toBeNull();
  });
});
