import { IdentityFold } from '../../../src/domain/fold/identity';
import type { RecordedEvent } from '../../../src/domain/fold/recorded-event';
import { DEFAULT_POLICY, type Policy } from '../../../src/domain/policy';
import { type IdentityEvents, projectUser } from '../project';
import { account, at, heard, levelChange, recorded, reset, said } from '../recorded';

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
    ['is not verified while its first attempt is open', [said(1, 'IN_PROGRESS')], 'NOT_VERIFIED'],
    ['is verified by an approval', [said(1, 'APPROVED')], 'VERIFIED'],
    [
      'stays verified while a re-verification is open',
      [said(1, 'APPROVED'), said(2, 'IN_PROGRESS')],
      'VERIFIED',
    ],
    [
      'is lost by a later rejection',
      [said(1, 'APPROVED'), said(2, 'PENDING'), said(3, 'REJECTED')],
      'NOT_VERIFIED',
    ],
    ['is lost by a reset', [said(1, 'APPROVED'), reset(2)], 'NOT_VERIFIED'],
    ['is lost by an expiry', [said(1, 'APPROVED'), said(2, 'EXPIRED')], 'EXPIRED'],
    ['follows the vendor’s lasting word', [heard(1, 'NOT_VERIFIED', 'APPROVED')], 'NOT_VERIFIED'],
    ['is lost with the account', [said(1, 'APPROVED'), account(2, 'DELETED')], 'NOT_VERIFIED'],
  ] as const)('%s', (_, events, expected) => {
    expect(levelStatus(events)).toBe(expected);
  });

  it('says since when', () => {
    const [level] = project([
      identity([said(1, 'PENDING'), said(5, 'APPROVED'), said(7, 'IN_PROGRESS')]),
    ]).levels;
    expect(level).toMatchObject({
      status: 'VERIFIED',
      since: at(5),
      latestAttempt: { identity: 0, number: 2 },
    });
  });

  it('runs out when the policy says so', () => {
    const policy: Policy = { verified: null, expiresAfterMs: { '*': 60 * 60_000 } };
    const events = [identity([said(0, 'APPROVED')])];
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

  describe('that a policy lets run out after an hour', () => {
    const policy: Policy = { verified: null, expiresAfterMs: { '*': 60 * 60_000 } };
    const minute = (minutes: number) => new Date(Date.UTC(2024, 0, 1, 0, minutes));
    const held = (events: readonly RecordedEvent[], now: number) =>
      project([identity(events)], { policy, now: minute(now) }).levels[0];

    it('lasts from the latest approval, and holds since the first', () => {
      const twice = [said(0, 'APPROVED'), said(30, 'APPROVED')];
      const held30 = { status: 'VERIFIED', since: at(0), expiresAt: at(90) };
      expect(held(twice, 59)).toMatchObject(held30);
      expect(held(twice, 89)).toMatchObject(held30);
      expect(held(twice, 90)).toMatchObject({ status: 'EXPIRED', since: at(90) });
      expect(held([...twice].reverse(), 89)).toMatchObject(held30);
    });

    it('is verified anew by an approval after it ran out', () => {
      const late = [said(0, 'APPROVED'), said(60, 'APPROVED')];
      expect(held(late, 70)).toMatchObject({
        status: 'VERIFIED',
        since: at(60),
        expiresAt: at(120),
      });
      expect(held(late, 70)?.latestAttempt.number).toBe(1);
    });

    it('holds since the first approval also over several attempts', () => {
      const renewed = [said(0, 'APPROVED'), said(20, 'PENDING'), said(30, 'APPROVED')];
      expect(held(renewed, 80)).toMatchObject({ since: at(0), expiresAt: at(90) });
      const renewedLate = [said(0, 'APPROVED'), said(20, 'PENDING'), said(70, 'APPROVED')];
      expect(held(renewedLate, 80)).toMatchObject({ since: at(70), expiresAt: at(130) });
    });

    it('lasts from the latest approval of a vendor with a lasting word, too', () => {
      const twice = [heard(0, 'VERIFIED', 'APPROVED'), heard(30, 'VERIFIED', 'APPROVED')];
      expect(held(twice, 80)).toMatchObject({ since: at(0), expiresAt: at(90) });
      const failed = [
        ...twice,
        heard(40, 'VERIFIED', 'PENDING'),
        heard(45, 'VERIFIED', 'REJECTED'),
      ];
      expect(held(failed, 80)).toMatchObject({ since: at(0), expiresAt: at(90) });
    });

    it('is not prolonged by the lasting word alone', () => {
      const confirmed = [heard(0, 'VERIFIED', 'APPROVED'), heard(30, 'VERIFIED')];
      expect(held(confirmed, 50)).toMatchObject({ expiresAt: at(60) });
    });
  });

  it('follows the account that decided last, also by saying the same again', () => {
    const approved = identity([said(1, 'APPROVED'), said(3, 'APPROVED')], 'a');
    const rejected = identity([said(2, 'REJECTED')], 'b');
    expect(project([approved, rejected]).levels).toMatchObject([
      { status: 'VERIFIED', since: at(1) },
    ]);
  });

  it('takes the latest decision where two accounts hold it', () => {
    const older = identity([said(1, 'APPROVED')], 'a');
    const newer = identity([said(2, 'REJECTED')], 'b');
    expect(project([older, newer]).levels).toMatchObject([
      { status: 'NOT_VERIFIED', since: at(2) },
    ]);
  });

  it('is not taken away by the deletion of a second account', () => {
    const kept = identity([said(1, 'APPROVED')], 'a');
    const deleted = identity([said(2, 'PENDING'), account(3, 'DELETED')], 'b');
    expect(project([kept, deleted]).levels).toMatchObject([{ status: 'VERIFIED' }]);
  });
});

describe('a user', () => {
  it('is verified when every level at some one provider is', () => {
    const basic = said(1, 'APPROVED');
    const plus = said(2, 'PENDING', { level: 'plus' });
    expect(project([identity([basic])]).verification.status).toBe('VERIFIED');
    expect(project([identity([basic, plus])]).verification).toMatchObject({
      status: 'NOT_VERIFIED',
      missing: ['sumsub/plus'],
    });
    const elsewhere = identity([said(1, 'APPROVED')], 'x', 'paycaddy');
    expect(project([identity([basic, plus]), elsewhere]).verification).toMatchObject({
      status: 'VERIFIED',
      because: ['paycaddy/basic'],
    });
  });

  it('is asked for an add-on that was seen', () => {
    const events = [
      said(1, 'APPROVED'),
      said(2, 'PENDING', { level: 'liveness', levelKind: 'ADD_ON' }),
    ];
    expect(project([identity(events)]).verification.status).toBe('NOT_VERIFIED');
  });

  it('is never verified by an action', () => {
    const action = said(1, 'APPROVED', { levelKind: 'ACTION', attemptRef: 'action-1' });
    expect(project([identity([action])]).verification.status).toBe('NOT_VERIFIED');
    expect(project([identity([action])]).levels).toMatchObject([
      { status: 'VERIFIED', kind: 'ACTION' },
    ]);
  });

  it('is not verified by a level that was also told to be less than that', () => {
    const action = said(1, 'PENDING', { levelKind: 'ACTION', attemptRef: 'action-1' });
    const one = [said(2, 'APPROVED'), action];
    expect(project([identity(one)]).levels).toMatchObject([{ kind: 'ACTION' }]);
    const two = [identity([action], 'a'), identity([said(2, 'APPROVED')], 'b')];
    expect(project(two).levels).toMatchObject([{ status: 'VERIFIED', kind: 'ACTION' }]);
    expect(project(two).verification.status).toBe('NOT_VERIFIED');
    const addOn = [said(1, 'APPROVED', { levelKind: 'ADD_ON' }), said(2, 'APPROVED')];
    expect(project([identity(addOn)]).levels).toMatchObject([{ kind: 'ADD_ON' }]);
  });

  it('is in production not lessened by the kind that a level has in the test environment', () => {
    const sandboxed = { levelKind: 'ACTION', sandbox: true } as const;
    const events = [identity([said(1, 'APPROVED'), said(2, 'APPROVED', sandboxed)])];
    expect(project(events, { acceptSandbox: false }).verification.status).toBe('VERIFIED');
    expect(project(events, { acceptSandbox: true }).verification.status).toBe('NOT_VERIFIED');
  });

  it('is not asked for a level that the vendor replaced by another', () => {
    const moved = [
      said(1, 'PENDING'),
      levelChange(2),
      said(2, 'PENDING', { level: 'plus' }),
      said(3, 'APPROVED', { level: 'plus' }),
    ];
    expect(project([identity(moved)]).verification).toMatchObject({
      status: 'VERIFIED',
      because: ['sumsub/plus'],
    });
  });

  it('is not verified by a test environment in production', () => {
    const events = [identity([said(1, 'APPROVED', { sandbox: true })])];
    expect(project(events, { acceptSandbox: true }).verification.status).toBe('VERIFIED');
    const production = project(events, { acceptSandbox: false });
    expect(production.verification.status).toBe('NOT_VERIFIED');
    expect(production.identities[0]?.attempts).toMatchObject([
      { status: 'APPROVED', sandbox: true },
    ]);
    expect(production.levels).toEqual([]);
  });

  it('keeps a live attempt untouched by the test environment', () => {
    const events = [said(1, 'REJECTED'), said(2, 'APPROVED', { sandbox: true })];
    const projection = project([identity(events)], { acceptSandbox: false });
    expect(projection.identities[0]?.attempts.map(({ status }) => status)).toEqual([
      'REJECTED',
      'APPROVED',
    ]);
    expect(projection.verification.status).toBe('NOT_VERIFIED');
  });

  it('keeps a live attempt untouched by what befalls the account in the test environment', () => {
    const sandbox = { sandbox: true };
    const events = [
      said(1, 'APPROVED'),
      said(1, 'APPROVED', sandbox),
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

  it('keeps an attempt in the test environment when the live account is deleted', () => {
    const events = [said(1, 'APPROVED', { sandbox: true }), account(2, 'DELETED')];
    expect(project([identity(events)]).identities[0]?.attempts).toMatchObject([
      { status: 'APPROVED' },
    ]);
  });

  it('is in production neither kept nor switched off by an account of the test environment', () => {
    const deleted = identity([account(1, 'DELETED')], 'a');
    const testing = identity([said(1, 'APPROVED', { sandbox: true })], 'b');
    expect(project([deleted, testing], { acceptSandbox: false }).active).toBe(false);
    expect(project([deleted, testing], { acceptSandbox: true }).active).toBe(true);
    const off = identity([account(1, 'DEACTIVATED', { sandbox: true })], 'c');
    expect(project([off], { acceptSandbox: false }).active).toBe(true);
    expect(project([off], { acceptSandbox: true }).active).toBe(false);
  });

  it.each([
    ['with no account', [], true],
    ['with a live account', [[]], true],
    ['with an account switched off', [[account(1, 'DEACTIVATED')]], false],
    ['with one switched off and one live', [[account(1, 'DEACTIVATED')], []], false],
    [
      'with an account switched on again',
      [[account(1, 'DEACTIVATED'), account(2, 'ACTIVE')]],
      true,
    ],
    ['with its only account deleted', [[account(1, 'DELETED')]], false],
    ['with a second account deleted', [[account(1, 'DELETED')], []], true],
    [
      'when all is said in one instant',
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
  const approved = said(1, 'APPROVED');

  // Regression: a user whom one vendor had rejected for forgery stayed VERIFIED by an older approval of another.
  it('blocks an older approval at any provider', () => {
    const user = project([elsewhere(approved), identity([said(2, 'REJECTED', final)])]);
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
    [
      'that the user may answer with another try',
      [said(2, 'REJECTED', { ...final, retryable: true })],
    ],
    ['of which that is not known', [said(2, 'REJECTED', { reasons: [fraud] })]],
    [
      'for another reason',
      [
        said(2, 'REJECTED', {
          retryable: false,
          reasons: [{ ...fraud, code: 'DOCUMENT_QUALITY' }],
        }),
      ],
    ],
    ['that is older than the approval', [said(0, 'REJECTED', final)]],
    ['that was revised', [said(2, 'REJECTED', final), said(3, 'APPROVED')]],
    [
      'of a single action',
      [said(2, 'REJECTED', { ...final, levelKind: 'ACTION', attemptRef: 'action-1' })],
    ],
    ['in the test environment', [said(2, 'REJECTED', { ...final, sandbox: true })]],
  ] as const)('blocks nothing if it is one %s', (_, events) => {
    const user = project([elsewhere(approved), identity(events)], { acceptSandbox: false });
    expect(user.verification).toMatchObject({ status: 'VERIFIED', blockedBy: [] });
  });

  // Regression: the account of the rejection left the level, and an older approval of another account at it counted again.
  it('blocks an older approval at its own level once the rejected account is deleted', () => {
    const other = identity([said(1, 'APPROVED')], 'other');
    const rejected = [said(2, 'REJECTED', final), account(3, 'DELETED')];
    const user = project([other, identity(rejected, 'rejected')]);
    expect(user.verification).toMatchObject({
      status: 'NOT_VERIFIED',
      blockedBy: ['sumsub/basic'],
    });
  });

  it('goes on blocking while another attempt is open, and after a reset', () => {
    const after = [said(2, 'REJECTED', final), said(3, 'IN_PROGRESS'), reset(4)];
    expect(project([elsewhere(approved), identity(after)]).verification.status).toBe(
      'NOT_VERIFIED',
    );
  });

  it('blocks again if the approval of a later attempt is voided by a reset, until the next approval', () => {
    const blockedAfter = (...events: readonly RecordedEvent[]) => {
      const rejected = said(2, 'REJECTED', final);
      const again = [said(3, 'IN_PROGRESS'), said(4, 'APPROVED')];
      return project([elsewhere(approved), identity([rejected, ...again, ...events])]).verification
        .blockedBy;
    };
    expect(blockedAfter()).toEqual([]);
    expect(blockedAfter(reset(5))).toEqual(['sumsub/basic']);
    expect(blockedAfter(reset(5), said(6, 'APPROVED'))).toEqual([]);
  });

  it('stays withdrawn after a reset if the provider revised it to an approval', () => {
    const revised = [said(2, 'REJECTED', final), said(3, 'APPROVED'), reset(4)];
    const user = project([elsewhere(approved), identity(revised)]);
    expect(user.verification.blockedBy).toEqual([]);
  });

  it('blocks no approval that was given again since', () => {
    const again = elsewhere(approved, said(5, 'APPROVED'));
    const user = project([again, identity([said(2, 'REJECTED', final)])]);
    expect(user.verification.status).toBe('VERIFIED');
  });

  it('blocks nothing if the policy says so', () => {
    const policy = { ...DEFAULT_POLICY, blockedBy: [] };
    const user = project([elsewhere(approved), identity([said(2, 'REJECTED', final)])], { policy });
    expect(user.verification.status).toBe('VERIFIED');
  });
});

describe('the customer’s id of a user', () => {
  it('is the vendor’s latest word', () => {
    const first = said(1, 'PENDING', { externalUserId: 'old' });
    const second = said(2, 'PENDING', { externalUserId: 'new' });
    const silent = recorded('silent', 3, {
      type: 'ACCOUNT',
      subjectRef: 's',
      state: 'ACTIVE',
      occurredAt: at(3),
    });
    const any = () => true;
    const fold = new IdentityFold('p', [second, silent, first]);
    expect(fold.findExternalUserId(any)).toBe('new');
    expect(fold.findExternalUserId((event) => event !== second)).toBe('old');
    expect(new IdentityFold('p', [silent]).findExternalUserId(any)).toBeNull();
  });
});
