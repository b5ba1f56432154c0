import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignatureError } from '../../../src/domain/errors';
import { REASON_CODES } from '../../../src/domain/event';
import { loadBody } from '../../contract/cases';
import { createProvider } from '../../contract/provider-specs';
import { parseMessage, readEvents, receive, toWebhookRequest } from '../../contract/receive';
import { signedRequest } from '../../support/sign';

const SECRET = 'a-secret-of-sumsub';
const provider = createProvider('sumsub', [SECRET]);
const sign = (body: object | string) => signedRequest('sumsub', body, { secret: SECRET });

const message = (fields: object) => ({
  type: 'applicantReviewed',
  applicantId: '5cb744200a975a67ed1798a4',
  externalUserId: 'user-7',
  levelName: 'basic-kyc-level',
  reviewStatus: 'completed',
  reviewResult: { reviewAnswer: 'GREEN' },
  createdAtMs: '2020-02-21 13:23:19.001',
  ...fields,
});
const events = (fields: object) => readEvents(provider, sign(message(fields)));
const rejected = (result: object) =>
  events({ reviewResult: { reviewAnswer: 'RED', ...result } })[0];

/** A placeholder that Sumsub does not replace. */
const placeholder = (name: string) => `\${${name}}`;

const DIGESTS = ['sha1', 'sha256', 'sha512'] as const;

describe('applicant type', () => {
  it.each([
    ['company', 'COMPANY'],
    ['Company', 'COMPANY'],
    ['individual', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j maps to the kind %j', (applicantType, kind) => {
    expect(events({ applicantType })[0]?.kind).toBe(kind);
  });

  it('is rejected if it is unknown', () => {
    const request = sign(message({ applicantType: 'trust' }));
    expect(() => parseMessage(provider, request)).toThrow('applicantType');
  });
});

describe('signature', () => {
  const cases = DIGESTS.flatMap((minimum, least) =>
    DIGESTS.map((digest, strength) => ({ minimum, digest, accepted: strength >= least })),
  );

  it.each(cases)('by $digest with the minimum $minimum: accepted $accepted', (testCase) => {
    const strict = createProvider('sumsub', [SECRET], { sumsubDigest: testCase.minimum });
    const request = signedRequest('sumsub', message({}), {
      secret: SECRET,
      sumsubDigest: testCase.digest,
    });
    const verify = () => strict.verify(toWebhookRequest(request));

    if (testCase.accepted) expect(verify).not.toThrow();
    else expect(verify).toThrow(SignatureError);
  });

  const withAlgorithm = (algorithm: string | undefined, digest: 'sha1' | 'sha256') => () => {
    const { headers, ...request } = signedRequest('sumsub', message({}), {
      secret: SECRET,
      sumsubDigest: digest,
    });
    const { 'x-payload-digest-alg': _name, ...others } = headers;
    const named = algorithm === undefined ? {} : { 'x-payload-digest-alg': algorithm };
    return provider.verify(toWebhookRequest({ ...request, headers: { ...others, ...named } }));
  };

  it('without an algorithm header must use the minimum algorithm', () => {
    expect(withAlgorithm(undefined, 'sha256')).not.toThrow();
    expect(withAlgorithm(undefined, 'sha1')).toThrow(SignatureError);
  });

  it.each(['HMAC_MD5_HEX', 'sha256', 'hmac_sha256_hex', '', 'constructor', 'HMAC_SHA512_HEX'])(
    'with the unknown or wrong algorithm %j is rejected',
    (algorithm) => {
      expect(withAlgorithm(algorithm, 'sha256')).toThrow(SignatureError);
    },
  );
});

describe('result', () => {
  it.each([
    ['RETRY', true, 'completed/RED/RETRY'],
    ['FINAL', false, 'completed/RED/FINAL'],
    [undefined, undefined, 'completed/RED'],
    ['', undefined, 'completed/RED'],
    ['SOMETHING', undefined, 'completed/RED/SOMETHING'],
  ])('with reject type %s has retryable %s', (reviewRejectType, retryable, providerStatus) => {
    const event = rejected({ reviewRejectType });

    expect(event).toMatchObject({ status: 'REJECTED', providerStatus });
    expect(event && 'retryable' in event ? event.retryable : undefined).toBe(retryable);
  });

  it('is the same in a workflow that follows the review', () => {
    for (const reviewAnswer of ['GREEN', 'RED']) {
      const fields = { reviewResult: { reviewAnswer, reviewRejectType: 'FINAL' } };

      expect(events({ ...fields, type: 'applicantWorkflowCompleted' })).toEqual(events(fields));
    }
  });

  it('is the same rejection in a failed workflow', () => {
    const fields = { reviewResult: { reviewAnswer: 'RED', rejectLabels: ['FORGERY'] } };

    expect(events({ ...fields, type: 'applicantWorkflowFailed' })).toEqual(events(fields));
  });

  it('is quarantined if a failed workflow is GREEN', () => {
    const outcome = receive(provider, sign(message({ type: 'applicantWorkflowFailed' })));

    expect(outcome).toHaveProperty('quarantined.code', 'STATUS_UNMAPPED');
  });

  it('is an approval if its other fields are empty strings', () => {
    const reviewResult = {
      reviewAnswer: 'GREEN',
      reviewRejectType: '',
      moderationComment: '',
      clientComment: '',
      rejectLabels: [],
    };

    expect(events({ reviewResult, sandboxMode: '', externalUserId: '' })).toMatchObject([
      { status: 'APPROVED', providerStatus: 'completed/GREEN' },
    ]);
  });

  it('has one reason per label, in order, and the comment with the first', () => {
    expect(
      rejected({ rejectLabels: ['LOW_QUALITY', 'NEW_LABEL'], moderationComment: 'Once more.' }),
    ).toMatchObject({
      reasons: [
        { code: 'DOCUMENT_QUALITY', providerCode: 'LOW_QUALITY', message: 'Once more.' },
        { code: 'OTHER', providerCode: 'NEW_LABEL', message: null },
      ],
    });
  });

  it('keeps a comment without labels', () => {
    expect(rejected({ moderationComment: 'Once more.', rejectLabels: [] })).toMatchObject({
      reasons: [{ code: 'OTHER', providerCode: null, message: 'Once more.' }],
    });
  });

  it.each([
    [`Write to ${placeholder('clientSupportEmail')}`, 'Write to'],
    [`${placeholder('a')} ${placeholder('b')}`, null],
    [`  Hello ${placeholder('name')}, once more `, 'Hello , once more'],
    ['It costs $5 {net}', 'It costs $5 {net}'],
    ['${unfinished', '${unfinished'],
    ['   ', null],
  ])('converts the comment %j to %j', (moderationComment, text) => {
    const event = rejected({ moderationComment, rejectLabels: ['FORGERY'] });

    expect(event).toMatchObject({ reasons: [{ message: text }] });
  });

  it('has no reasons without a label and a comment', () => {
    expect(
      rejected({ buttonIds: [], moderationComment: placeholder('clientSupportEmail') }),
    ).not.toHaveProperty('reasons');
  });

  it('has neither reasons nor `retryable` if it is an approval', () => {
    const [event] = events({
      reviewResult: { reviewAnswer: 'GREEN', rejectLabels: ['FORGERY'], reviewRejectType: 'RETRY' },
    });

    expect(event).not.toHaveProperty('reasons');
    expect(event).not.toHaveProperty('retryable');
  });

  it('never contains the comment for the customer’s staff', () => {
    const request = sign(
      message({ reviewResult: { reviewAnswer: 'RED', clientComment: 'Suspected by staff' } }),
    );

    expect(JSON.stringify(receive(provider, request))).not.toContain('Suspected');
    expect(JSON.stringify(parseMessage(provider, request))).not.toContain('Suspected');
  });
});

describe('labels', () => {
  /** In the order of Sumsub's pages: temporary labels, then final ones. */
  const LABELS = `
    BACK_SIDE_MISSING FRONT_SIDE_MISSING DOCUMENT_MISSING DOCUMENT_PAGE_MISSING DOCUMENT_DAMAGED DOCUMENT_DEPRIVED
    INCOMPLETE_DOCUMENT UNFILLED_ID ID_INVALID EXPIRATION_DATE ADDITIONAL_DOCUMENT_REQUIRED DIGITAL_DOCUMENT
    INCOMPATIBLE_LANGUAGE BAD_PHOTO LOW_QUALITY UNSATISFACTORY_PHOTOS SCREENSHOTS BLACK_AND_WHITE GRAPHIC_EDITOR
    BAD_PROOF_OF_ADDRESS BAD_PROOF_OF_IDENTITY BAD_PROOF_OF_PAYMENT WRONG_ADDRESS BAD_AVATAR BAD_FACE_MATCHING BAD_SELFIE
    BAD_VIDEO_SELFIE SELFIE_WITH_PAPER PROBLEMATIC_APPLICANT_DATA REQUESTED_DATA_MISMATCH INCORRECT_SOCIAL_NUMBER
    APPLICANT_INTERRUPTED_INTERVIEW CONNECTION_INTERRUPTED UNSUITABLE_ENV NOT_ALL_CHECKS_COMPLETED CHECK_UNAVAILABLE
    RESTRICTED_PERSON COMPANY_NOT_DEFINED_BENEFICIARIES COMPANY_NOT_DEFINED_REPRESENTATIVES COMPANY_NOT_DEFINED_STRUCTURE
    COMPANY_NOT_VALIDATED_BENEFICIARIES COMPANY_NOT_VALIDATED_REPRESENTATIVES
    FORGERY FRAUDULENT_PATTERNS FRAUDULENT_LIVENESS SUSPICIOUS_PATTERNS DOCUMENT_TEMPLATE PRINTED_ID_COPY NOT_DOCUMENT
    SELFIE_MISMATCH THIRD_PARTY_INVOLVED SPAM INCONSISTENT_PROFILE DUPLICATE SANCTIONS PEP CRIMINAL ADVERSE_MEDIA
    COMPROMISED_PERSONS BLACKLIST BLOCKLIST HIGH_RISK_PROFILE AGE_REQUIREMENT_MISMATCH EXPERIENCE_REQUIREMENT_MISMATCH
    WRONG_USER_REGION FOREIGNER REGULATIONS_VIOLATIONS UNSUPPORTED_LANGUAGE DB_DATA_MISMATCH DB_DATA_NOT_FOUND
  `
    .trim()
    .split(/\s+/);

  const codeOf = (label: string) => {
    const event = rejected({ rejectLabels: [label] });
    return event?.type === 'STATUS' ? event.reasons?.[0]?.code : undefined;
  };

  it.each(LABELS)('map %s to a specific code', (label) => {
    expect(REASON_CODES).toContain(codeOf(label));
    expect(codeOf(label)).not.toBe('OTHER');
  });

  it.each(['EXTERNAL_DECISION_REJECTION', 'SOMETHING_NEW', 'constructor'])(
    'map %j to OTHER',
    (label) => {
      expect(codeOf(label)).toBe('OTHER');
    },
  );

  it('use every reason code', () => {
    const codes = new Set([...LABELS, 'SOMETHING_NEW'].map(codeOf));

    expect(codes).toEqual(new Set(REASON_CODES));
  });
});

describe('manual review', () => {
  const SANCTIONS = { code: 'AML', providerCode: 'SANCTIONS', message: null };

  it.each(['applicantOnHold', 'applicantActionOnHold'])('%s has its labels as reasons', (type) => {
    const fields = { type, applicantActionId: 'action-1', reviewStatus: 'onHold' };
    const reviewResult = { reviewAnswer: 'RED', rejectLabels: ['SANCTIONS'] };

    expect(events({ ...fields, reviewResult })).toMatchObject([
      { status: 'IN_REVIEW', providerStatus: 'onHold', reasons: [SANCTIONS] },
    ]);
  });

  it.each([undefined, { reviewAnswer: 'GREEN' }, { rejectLabels: [''] }])(
    'has no reasons with the result %j',
    (reviewResult) => {
      const [event] = events({ type: 'applicantOnHold', reviewResult });

      expect(event).toHaveProperty('status', 'IN_REVIEW');
      expect(event).not.toHaveProperty('reasons');
    },
  );
});

describe('other messages', () => {
  it('ignore the stale GREEN of a reset', () => {
    const body = loadBody('sumsub', 'applicant-reset');
    const outcome = readEvents(provider, signedRequest('sumsub', body, { secret: SECRET }));

    expect(body.toString()).toContain('GREEN');
    expect(outcome.map(({ type }) => type)).toEqual(['RESET']);
  });

  it.each([
    'applicantCreated',
    'applicantPending',
    'applicantPrechecked',
    'applicantOnHold',
    'applicantAwaitingService',
    'applicantAwaitingUser',
    'applicantReset',
    'applicantStepsReset',
    'applicantWorkflowFailed',
    'applicantLevelChanged',
    'applicantPersonalInfoChanged',
    'applicantTagsChanged',
    'applicantActivated',
    'applicantDeactivated',
    'applicantDeleted',
    'videoIdentStatusChanged',
  ])('never approve by %s, even if completed and GREEN', (type) => {
    const outcome = receive(provider, sign(message({ type })));

    expect(JSON.stringify(outcome)).not.toContain('APPROVED');
  });

  it('about an action have a level of kind ACTION and the ID of the action', () => {
    const action = { applicantActionId: 'action-1', levelName: 'card-level' };

    for (const type of [
      'applicantActionPending',
      'applicantActionOnHold',
      'applicantActionReviewed',
    ]) {
      expect(events({ ...action, type })).toMatchObject([
        { levelKind: 'ACTION', attemptRef: 'action-1', level: 'card-level' },
      ]);
      expect(receive(provider, sign(message({ type })))).toHaveProperty('quarantined');
    }
  });

  it('about a level change withdraw the previous level, unless it is the same', () => {
    const change = { type: 'applicantLevelChanged', levelName: 'new', reviewStatus: 'init' };

    expect(events({ ...change, previousLevelName: 'old' })).toMatchObject([
      { type: 'WITHDRAWN', level: 'old' },
      { type: 'STATUS', level: 'new', status: 'PENDING', providerStatus: 'init' },
    ]);
    expect(events({ ...change, previousLevelName: 'new' })).toHaveLength(1);
  });
});

describe('applicant', () => {
  it.each([undefined, null, ''])('has no external user ID if it is %j', (externalUserId) => {
    const [event] = events({ externalUserId });

    expect(event).not.toHaveProperty('externalUserId');
    expect(event).toHaveProperty('subjectRef', '5cb744200a975a67ed1798a4');
  });

  it.each([
    [true, true],
    ['true', true],
    ['True', true],
    [false, undefined],
    ['false', undefined],
    ['False', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('with sandboxMode %j has sandbox %j', (sandboxMode, sandbox) => {
    expect(events({ sandboxMode })[0]?.sandbox).toBe(sandbox);
  });

  it.each([
    [true, true],
    ['true', true],
    [1, true],
    [{}, true],
    [false, undefined],
    ['False', undefined],
    ['', undefined],
    [null, undefined],
  ])('with testMode %j has sandbox %j', (testMode, sandbox) => {
    expect(events({ testMode, sandboxMode: false })[0]?.sandbox).toBe(sandbox);
  });

  it('has distinct IDs where JSON.parse would round them to the same', () => {
    const [one, two] = ['90071992547409931', '90071992547409932'].map((digits) => {
      const body = JSON.stringify(message({ externalUserId: 0, applicantId: 1 }))
        .replace('"externalUserId":0', `"externalUserId":${digits}`)
        .replace('"applicantId":1', `"applicantId":${digits}`);
      return readEvents(provider, sign(body))[0];
    });

    expect(one).toMatchObject({
      subjectRef: '90071992547409931',
      externalUserId: '90071992547409931',
    });
    expect(two).toMatchObject({ subjectRef: '90071992547409932' });
  });
});

describe('timestamp', () => {
  it('is UTC in any time zone of the machine', () => {
    expect(events({ createdAtMs: '2020-02-21 13:23:19.001' })).toMatchObject([
      { occurredAt: '2020-02-21T13:23:19.001000000Z' },
    ]);
  });

  it('is the one with milliseconds if there are two', () => {
    expect(events({ createdAt: '2020-02-21 13:23:20+0000' })).toMatchObject([
      { occurredAt: '2020-02-21T13:23:19.001000000Z' },
    ]);
  });

  it('is the one with seconds if it is the only one', () => {
    const request = sign(
      message({ createdAtMs: undefined, createdAt: '2023-03-14 12:50:27+0000' }),
    );

    expect(readEvents(provider, request)).toMatchObject([
      { occurredAt: '2023-03-14T12:50:27.000000000Z' },
    ]);
    expect(parseMessage(provider, request).duplicateKey).toContain('2023-03-14 12:50:27+0000');
  });

  it.each([undefined, null, '', 'yesterday', '2020-02-30 00:00:00.000', 1582291399001])(
    '%j quarantines an approval',
    (createdAtMs) => {
      expect(receive(provider, sign(message({ createdAtMs })))).toHaveProperty(
        'quarantined.code',
        'PAYLOAD_INVALID',
      );
    },
  );
});

describe('duplicate key', () => {
  const key = (fields: object) => parseMessage(provider, sign(message(fields))).duplicateKey;

  it('is the same if Sumsub sends a message again', () => {
    expect(key({ correlationId: 'req-1' })).toEqual(key({ correlationId: 'req-2' }));
    expect(key({})).toEqual([
      'applicantReviewed',
      '5cb744200a975a67ed1798a4',
      '',
      '2020-02-21 13:23:19.001',
    ]);
  });

  it.each([
    { type: 'applicantWorkflowCompleted' },
    { applicantId: 'another' },
    { applicantActionId: 'action' },
    { createdAtMs: '2020-02-21 13:23:19.002' },
  ])('differs with %j', (fields) => {
    expect(key(fields)).not.toEqual(key({}));
  });

  it('differs between two untracked transactions of an applicant', () => {
    const transaction = (kytTxnId: string) =>
      key({ type: 'applicantKytTxnApproved', applicantId: 'a', kytTxnId });

    expect(transaction('1')).not.toEqual(transaction('2'));
    expect(transaction('1')).toEqual(transaction('1'));
  });
});

it('excludes staff comments from the fixture of the published rejection', () => {
  const file = join(__dirname, '../..', 'fixtures', 'sumsub', 'applicant-reviewed-red.events.json');

  expect(readFileSync(file, 'utf8')).not.toContain('Suspected fraudulent account');
});
