/** What the contract suite has to know of each vendor: a sound message, what in it is needed, what each word means. */

import type { Provider, WebhookSecret } from '../../src/providers/provider';
import { createProviders } from '../../src/providers/registry';
import { type Proof, signedRequest, type VendorId, type VendorRequest } from '../support/sign';

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export interface Subject {
  readonly name: string;
  readonly id: VendorId;
  /** A message that says something about a verification, with every field that is read. */
  readonly sample: JsonObject;
  /** Paths without which the sample cannot be read. */
  readonly required: readonly string[];
  /** Paths that may be missing but, where given, have to be of the right type. */
  readonly optional: readonly string[];
  /** Changes to the sample, and the kinds of events that then follow; `[]` if the message is about nothing we track. */
  readonly documented: readonly (readonly [change: JsonObject, says: readonly string[]])[];
  /** A change to the sample that makes it an approval. */
  readonly approval: JsonObject;
  /** Changes to the sample that put a word there which no table holds, and the path of that word. */
  readonly unmapped: readonly (readonly [change: JsonObject, path: string])[];
  /** Types that the adapter knows and does not track: everything that it may ignore. */
  readonly untracked: readonly string[];
  /** Messages of types that no adapter knows: changes to the sample, or another subpath. */
  readonly ofUnknownType: readonly UnknownMessage[];
  /** Paths of the times in the sample, the one that is read first. */
  readonly clocks: readonly string[];
  /** Whether the proof covers the body. */
  readonly signed: boolean;
  create(...secrets: readonly (string | WebhookSecret)[]): Provider;
  sign(body: Buffer | string | object, secret: string): VendorRequest;
}

export type UnknownMessage = { readonly change: JsonObject } | { readonly subpath: string };

type Variant = Omit<Proof, 'secret'>;

export function createProvider(
  id: VendorId,
  secrets: readonly (string | WebhookSecret)[],
  variant: Variant = {},
): Provider {
  const webhookSecrets = secrets.map((one) => (typeof one === 'string' ? { secret: one } : one));
  const providers = createProviders({
    webhookSecrets: { [id]: webhookSecrets },
    fractalIdFormat: variant.fractalIdFormat ?? 'classic',
    sumsubMinimumDigest: variant.sumsubDigest ?? 'sha256',
  });
  const provider = providers.get(id);
  if (!provider) throw new Error(`${id} is not configured`);
  return provider;
}

function subject(
  id: VendorId,
  variant: Variant,
  facts: Omit<Subject, 'id' | 'create' | 'sign'>,
): Subject {
  return {
    ...facts,
    id,
    create: (...secrets) => createProvider(id, secrets, variant),
    sign: (body, secret) => signedRequest(id, body, { ...variant, secret }),
  };
}

/** The sample with some fields exchanged; `undefined` takes a field away, objects are changed in depth. */
export function changed(sample: JsonObject, change: JsonObject): JsonObject {
  const result: Record<string, Json | undefined> = { ...sample };
  for (const [key, value] of Object.entries(change)) {
    const before = sample[key];
    result[key] = isJsonObject(before) && isJsonObject(value) ? changed(before, value) : value;
  }
  return result;
}

/** The sample with the value at one dotted path exchanged. */
export function withValueAt(sample: JsonObject, path: string, value: Json | undefined): JsonObject {
  const change = path
    .split('.')
    .reduceRight<Json | undefined>((inner, key) => ({ [key]: inner }), value);
  return isJsonObject(change) ? changed(sample, change) : sample;
}

function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const says = (...words: readonly string[]) => words;
const NOTHING = says();

const reviewed = (type: string, result: JsonObject, extra: JsonObject = {}): JsonObject => ({
  type,
  reviewStatus: 'completed',
  reviewResult: result,
  ...extra,
});

/** Types of Sumsub's that are about no verification, as far as they are documented or seen. */
const SUMSUB_UNTRACKED = [
  'applicantPersonalInfoChanged',
  'applicantTagsChanged',
  'applicantPersonalDataDeleted',
  'applicantActionLevelChanged',
  'videoIdentStatusChanged',
  'videoIdentCompositionCompleted',
  'applicantKytTxnApproved',
  'applicantKytTxnRejected',
  'applicantKytTxnReviewed',
  'applicantKytTxnDeleted',
  'applicantKytTxnDataChanged',
  'applicantKytTxnAwaitingUser',
  'applicantKytOnHold',
  'applicantKytTxnCreated',
  'applicantVerificationLinkOpened',
  'kytCaseCreated',
  'kytCaseV2Created',
  'kytCaseStatusChanged',
  'kytCaseReviewed',
  'amlCaseApproved',
  'amlCaseRejected',
  'amlCaseOnHold',
  'travelRuleAction',
  'kybCompanyActivity',
];

const ofTypes = (...types: readonly string[]): readonly UnknownMessage[] =>
  types.map((type) => ({ change: { type } }));

const PAYCADDY: Omit<Subject, 'id' | 'create' | 'sign'> = {
  name: 'paycaddy',
  signed: false,
  sample: {
    metadata: { userId: '4b6f3c1e-52f5-4a3e-9f57-0f3f3b6f3a11' },
    status: 'rejected',
    description: 'AML checks rejected',
    fullName: 'Ada Example',
    age: '36',
    timeStamp: '2023-03-16T09:42:18.8338086Z',
  },
  required: ['metadata.userId', 'status', 'timeStamp'],
  optional: ['description', 'fullName', 'age'],
  approval: { status: 'verified' },
  untracked: [],
  ofUnknownType: [], // it has no types: what is no such notification cannot be read
  clocks: ['timeStamp', 'timestamp'],
  documented: [
    [{ status: 'verification_inputs_completed' }, says('STATUS IN_PROGRESS', 'PROFILE')],
    [{ status: 'verified' }, says('STATUS APPROVED', 'PROFILE')],
    [{ status: 'rejected' }, says('STATUS REJECTED', 'PROFILE')],
    [{ status: 'reviewNeeded' }, says('STATUS IN_REVIEW', 'PROFILE')],
    [{ status: 'verified', fullName: 'null', age: 'null' }, says('STATUS APPROVED')],
  ],
  unmapped: [
    [{ status: 'string' }, 'status'],
    [{ status: 'VERIFIED' }, 'status'],
    [{ status: 'toString' }, 'status'],
  ],
};

export const SUBJECTS: readonly Subject[] = [
  subject(
    'fractal-id',
    { fractalIdFormat: 'classic' },
    {
      name: 'fractal-id, classic',
      signed: true,
      sample: {
        type: 'verification_approved',
        data: {
          level: 'basic',
          user_id: '14ec6af0-12f8-4bce-a6ab-01ce87fa1812',
          timestamp: '2020-04-02T13:35:35Z',
        },
      },
      required: ['type', 'data.level', 'data.user_id', 'data.timestamp'],
      optional: [],
      documented: [
        [{ type: 'verification_approved' }, says('STATUS APPROVED')],
        [{ type: 'verification_contacted' }, says('STATUS ACTION_REQUIRED')],
        [{ type: 'verification_rejected' }, says('STATUS REJECTED')],
        [
          {
            type: 'credential_shared',
            data: { idos_human_id: 'h', credential_id: 'c', shared_at: '2020-04-02T13:35:35Z' },
          },
          says('CREDENTIAL'),
        ],
        [{ type: 'email_changed', data: { email: 'ada@example.org' } }, says('PROFILE')],
        [{ type: 'authorization_revoked' }, NOTHING],
      ],
      unmapped: [], // its only word is the type
      approval: {},
      untracked: ['authorization_revoked'],
      ofUnknownType: [
        { change: { type: 'something_new', data: 'of another shape' } },
        ...ofTypes('verification_expired', 'Verification_approved', '__proto__', 'constructor'),
      ],
      clocks: ['data.timestamp'],
    },
  ),
  subject(
    'fractal-id',
    { fractalIdFormat: 'kraken' },
    {
      name: 'fractal-id, kraken',
      signed: true,
      sample: {
        id: '14ec6af0-12f8-4bce-a6ab-01ce87fa1812',
        status: 'rejected',
        note: 'Blurred',
      },
      required: ['id', 'status'],
      optional: ['note'],
      documented: [
        [{ status: 'approved', note: '' }, says('STATUS APPROVED')],
        [{ status: 'rejected' }, says('STATUS REJECTED')],
        [{ status: 'pending' }, says('STATUS IN_PROGRESS')],
      ],
      unmapped: [
        [{ status: 'contacted' }, 'status'],
        [{ status: 'constructor' }, 'status'],
      ],
      approval: { status: 'approved' },
      untracked: [],
      ofUnknownType: [], // it has no types
      clocks: [],
    },
  ),
  subject(
    'sumsub',
    {},
    {
      name: 'sumsub',
      signed: true,
      sample: {
        type: 'applicantReviewed',
        applicantId: '5cb744200a975a67ed1798a4',
        applicantActionId: '5dc2d80ce3cc9b1c1e389c4c',
        externalUserId: 'user-7',
        levelName: 'basic-kyc-level',
        previousLevelName: 'previous-level',
        sandboxMode: 'false',
        reviewStatus: 'completed',
        reviewResult: {
          reviewAnswer: 'RED',
          reviewRejectType: 'RETRY',
          rejectLabels: ['FORGERY'],
          moderationComment: 'Please send it again.',
          clientComment: 'internal',
        },
        createdAtMs: '2020-02-21 13:23:19.001',
      },
      required: [
        'type',
        'applicantId',
        'levelName',
        'reviewStatus',
        'reviewResult.reviewAnswer',
        'createdAtMs',
      ],
      optional: [
        'externalUserId',
        'sandboxMode',
        'reviewResult.reviewRejectType',
        'reviewResult.rejectLabels',
        'reviewResult.moderationComment',
      ],
      documented: [
        [{ type: 'applicantCreated', reviewStatus: 'init' }, says('STATUS PENDING')],
        [{ type: 'applicantPending', reviewStatus: 'pending' }, says('STATUS IN_PROGRESS')],
        [{ type: 'applicantPrechecked', reviewStatus: 'queued' }, says('STATUS IN_PROGRESS')],
        [{ type: 'applicantPrechecked', reviewStatus: 'prechecked' }, says('STATUS IN_PROGRESS')],
        [{ type: 'applicantOnHold', reviewStatus: 'pending' }, says('STATUS IN_REVIEW')],
        [{ type: 'applicantOnHold', reviewStatus: 'onHold' }, says('STATUS IN_REVIEW')],
        [
          {
            type: 'applicantAwaitingService',
            reviewStatus: 'awaitingService',
            reviewResult: { reviewAnswer: 'GREEN' },
          },
          says('STATUS IN_PROGRESS'),
        ],
        [
          { type: 'applicantAwaitingUser', reviewStatus: 'awaitingUser' },
          says('STATUS ACTION_REQUIRED'),
        ],
        [reviewed('applicantReviewed', { reviewAnswer: 'GREEN' }), says('STATUS APPROVED')],
        [reviewed('applicantReviewed', { reviewAnswer: 'RED' }), says('STATUS REJECTED')],
        [
          reviewed('applicantWorkflowCompleted', { reviewAnswer: 'GREEN' }),
          says('STATUS APPROVED'),
        ],
        [reviewed('applicantWorkflowCompleted', { reviewAnswer: 'RED' }), says('STATUS REJECTED')],
        [reviewed('applicantWorkflowFailed', { reviewAnswer: 'RED' }), says('STATUS REJECTED')],
        [
          { type: 'applicantWorkflowFailed', reviewStatus: 'init', reviewResult: undefined },
          says('UNVERIFIED', 'STATUS IN_REVIEW'),
        ],
        [
          { type: 'applicantWorkflowFailed', reviewResult: undefined },
          says('UNVERIFIED', 'STATUS IN_REVIEW'),
        ],
        [
          { type: 'applicantWorkflowFailed', reviewStatus: undefined, reviewResult: undefined },
          says('UNVERIFIED', 'STATUS IN_REVIEW'),
        ],
        [
          { type: 'applicantStepsReset', reviewStatus: 'init' },
          says('UNVERIFIED', 'STATUS ACTION_REQUIRED'),
        ],
        [
          reviewed('applicantStepsReset', { reviewAnswer: 'GREEN' }),
          says('UNVERIFIED', 'STATUS ACTION_REQUIRED'),
        ],
        [reviewed('applicantReset', { reviewAnswer: 'GREEN' }), says('RESET')],
        [{ type: 'applicantLevelChanged' }, says('WITHDRAWN', 'STATUS PENDING')],
        [{ type: 'applicantLevelChanged', previousLevelName: undefined }, says('STATUS PENDING')],
        [
          { type: 'applicantLevelChanged', previousLevelName: 'basic-kyc-level' },
          says('STATUS PENDING'),
        ],
        [{ type: 'applicantActivated', levelName: undefined }, says('ACCOUNT ACTIVE')],
        [{ type: 'applicantDeactivated' }, says('ACCOUNT DEACTIVATED')],
        [{ type: 'applicantDeleted' }, says('ACCOUNT DELETED')],
        [reviewed('applicantActionPending', { reviewAnswer: 'GREEN' }), says('STATUS IN_PROGRESS')],
        [{ type: 'applicantActionOnHold', reviewStatus: 'init' }, says('STATUS IN_REVIEW')],
        [reviewed('applicantActionReviewed', { reviewAnswer: 'GREEN' }), says('STATUS APPROVED')],
        [reviewed('applicantActionReviewed', { reviewAnswer: 'RED' }), says('STATUS REJECTED')],
        ...SUMSUB_UNTRACKED.map((type) => [{ type }, NOTHING] as const),
        [{ type: 'kytCaseCreated', applicantId: undefined, createdAtMs: undefined }, NOTHING],
      ],
      unmapped: [
        [{ reviewStatus: 'pending' }, 'reviewStatus'],
        [{ reviewStatus: 'init', type: 'applicantWorkflowCompleted' }, 'reviewStatus'],
        [{ reviewStatus: 'awaitingService' }, 'reviewStatus'],
        [{ reviewResult: { reviewAnswer: 'YELLOW' } }, 'reviewResult.reviewAnswer'],
        [{ reviewResult: { reviewAnswer: 'valueOf' } }, 'reviewResult.reviewAnswer'],
        [
          { type: 'applicantActionReviewed', reviewResult: { reviewAnswer: 'ERROR' } },
          'reviewResult.reviewAnswer',
        ],
        [
          { type: 'applicantWorkflowFailed', reviewResult: { reviewAnswer: 'YELLOW' } },
          'reviewResult.reviewAnswer',
        ],
      ],
      approval: { reviewResult: { reviewAnswer: 'GREEN', reviewRejectType: undefined } },
      untracked: SUMSUB_UNTRACKED,
      ofUnknownType: ofTypes(
        'somethingNew',
        'applicantSomething',
        'applicantActionSomething',
        'applicantWorkflowRunCompleted', // an old name, never sent
        'applicantreviewed',
        'applicantReviewed ',
        'constructor',
      ),
      clocks: ['createdAtMs', 'createdAt'],
    },
  ),
  subject('paycaddy', { paycaddySecretIn: 'path' }, { ...PAYCADDY, name: 'paycaddy, in the path' }),
  subject(
    'paycaddy',
    { paycaddySecretIn: 'header' },
    { ...PAYCADDY, name: 'paycaddy, in a header' },
  ),
  subject(
    'p100',
    {},
    {
      name: 'p100',
      signed: false,
      sample: {
        externalUserId: 'bca65c48-df49-4831-a7b2-de7903321581',
        verificationStatus: 'NOT_VERIFIED',
        attemptStatus: 'REJECTED_BY_PROVIDER',
        rejectionReason: 'NO_FACE_FOUND',
      },
      required: ['externalUserId', 'verificationStatus'],
      optional: ['attemptStatus', 'rejectionReason'],
      documented: [
        [{ attemptStatus: undefined }, says('STATUS NOT_VERIFIED')],
        [{ attemptStatus: 'PENDING' }, says('STATUS PENDING NOT_VERIFIED')],
        [{ attemptStatus: 'VERIFICATION' }, says('STATUS IN_PROGRESS NOT_VERIFIED')],
        [{ attemptStatus: 'REJECTED_BY_PROVIDER' }, says('STATUS REJECTED NOT_VERIFIED')],
        [{ attemptStatus: 'SUCCESSFUL' }, says('STATUS APPROVED NOT_VERIFIED')],
        [
          { verificationStatus: 'VERIFIED', attemptStatus: 'SUCCESSFUL' },
          says('STATUS APPROVED VERIFIED'),
        ],
        [{ verificationStatus: 'VERIFIED', attemptStatus: undefined }, says('STATUS VERIFIED')],
        [
          { verificationStatus: 'VERIFIED', attemptStatus: 'PENDING' },
          says('STATUS PENDING VERIFIED'),
        ],
        [{ verificationStatus: 'EXPIRED', attemptStatus: undefined }, says('STATUS EXPIRED')],
      ],
      unmapped: [
        [{ verificationStatus: 'PENDING' }, 'verificationStatus'],
        [{ verificationStatus: 'verified' }, 'verificationStatus'],
        [{ attemptStatus: 'EXPIRED' }, 'attemptStatus'],
        [{ attemptStatus: 'hasOwnProperty' }, 'attemptStatus'],
      ],
      approval: { verificationStatus: 'VERIFIED', attemptStatus: 'SUCCESSFUL' },
      untracked: ['user/status', 'health'],
      ofUnknownType: [
        { subpath: 'webhook/kyc-verification/status/more' },
        { subpath: 'webhook/kyc-verification' },
        { subpath: 'more/webhook/kyc-verification/status' },
        { subpath: 'webhook/poa-verification/status' },
        { subpath: 'webhook/user/status' }, // a known type, but a status of a verification in it
        { subpath: 'constructor' },
      ],
      clocks: [],
    },
  ),
];
