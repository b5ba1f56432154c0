/** Inputs of the contract suite for each provider: a valid message, its required fields, and the meaning of each status. */

import type { Provider, WebhookSecret } from '../../src/providers/provider';
import { createProviders } from '../../src/providers/registry';
import {
  type ProviderName,
  type SignedRequest,
  type SigningOptions,
  signedRequest,
} from '../support/sign';

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export interface ProviderSpec {
  readonly name: string;
  readonly id: ProviderName;
  /** A message about a verification that contains every field that the adapter reads. */
  readonly sample: JsonObject;
  /** Paths of required fields. */
  readonly required: readonly string[];
  /** Paths of optional fields. Their type is checked if they are present. */
  readonly optional: readonly string[];
  /** Changes to the sample and the resulting event types. Empty if the message is not tracked. */
  readonly documented: readonly (readonly [change: JsonObject, events: readonly string[]])[];
  /** A change to the sample that makes it an approval. */
  readonly approval: JsonObject;
  /** Changes to the sample that introduce an unknown status, and the path of the status. */
  readonly unmapped: readonly (readonly [change: JsonObject, path: string])[];
  /** Types that the adapter knows and ignores. */
  readonly untracked: readonly string[];
  /** Messages of unknown types: changes to the sample, or another subpath. */
  readonly unknownTypes: readonly UnknownMessage[];
  /** Paths of timestamps, in order of precedence. */
  readonly timestamps: readonly string[];
  /** Whether the signature covers the body. */
  readonly signed: boolean;
  create(...secrets: readonly (string | WebhookSecret)[]): Provider;
  sign(body: Buffer | string | object, secret: string): SignedRequest;
}

export type UnknownMessage = { readonly change: JsonObject } | { readonly subpath: string };

type Variant = Omit<SigningOptions, 'secret'>;

export function createProvider(
  id: ProviderName,
  secrets: readonly (string | WebhookSecret)[],
  variant: Variant = {},
): Provider {
  const webhookSecrets = secrets.map((secret) =>
    typeof secret === 'string' ? { secret } : secret,
  );
  const providers = createProviders({
    webhookSecrets: { [id]: webhookSecrets },
    fractalIdFormat: variant.fractalIdFormat ?? 'classic',
    sumsubMinimumDigest: variant.sumsubDigest ?? 'sha256',
  });
  const provider = providers.get(id);
  if (!provider) throw new Error(`${id} is not configured`);
  return provider;
}

function spec(
  id: ProviderName,
  variant: Variant,
  facts: Omit<ProviderSpec, 'id' | 'create' | 'sign'>,
): ProviderSpec {
  return {
    ...facts,
    id,
    create: (...secrets) => createProvider(id, secrets, variant),
    sign: (body, secret) => signedRequest(id, body, { ...variant, secret }),
  };
}

/** Returns a deep copy of the sample with changed fields. `undefined` removes a field. */
export function withChanges(sample: JsonObject, change: JsonObject): JsonObject {
  const result: Record<string, Json | undefined> = { ...sample };
  for (const [key, value] of Object.entries(change)) {
    const before = sample[key];
    result[key] = isJsonObject(before) && isJsonObject(value) ? withChanges(before, value) : value;
  }
  return result;
}

/** Returns the sample with another value at a dotted path. */
export function setValueAt(sample: JsonObject, path: string, value: Json | undefined): JsonObject {
  const change = path
    .split('.')
    .reduceRight<Json | undefined>((inner, key) => ({ [key]: inner }), value);
  return isJsonObject(change) ? withChanges(sample, change) : sample;
}

function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const events = (...words: readonly string[]) => words;
const NO_EVENTS = events();

const reviewed = (type: string, result: JsonObject, extra: JsonObject = {}): JsonObject => ({
  type,
  reviewStatus: 'completed',
  reviewResult: result,
  ...extra,
});

/** Untracked types of Sumsub that are documented or were observed. */
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

const PAYCADDY: Omit<ProviderSpec, 'id' | 'create' | 'sign'> = {
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
  unknownTypes: [], // PayCaddy has no types; other messages cannot be parsed
  timestamps: ['timeStamp', 'timestamp'],
  documented: [
    [{ status: 'verification_inputs_completed' }, events('STATUS IN_PROGRESS', 'PROFILE')],
    [{ status: 'verified' }, events('STATUS APPROVED', 'PROFILE')],
    [{ status: 'rejected' }, events('STATUS REJECTED', 'PROFILE')],
    [{ status: 'reviewNeeded' }, events('STATUS IN_REVIEW', 'PROFILE')],
    [{ status: 'verified', fullName: 'null', age: 'null' }, events('STATUS APPROVED')],
  ],
  unmapped: [
    [{ status: 'string' }, 'status'],
    [{ status: 'VERIFIED' }, 'status'],
    [{ status: 'toString' }, 'status'],
  ],
};

export const PROVIDER_SPECS: readonly ProviderSpec[] = [
  spec(
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
        [{ type: 'verification_approved' }, events('STATUS APPROVED')],
        [{ type: 'verification_contacted' }, events('STATUS ACTION_REQUIRED')],
        [{ type: 'verification_rejected' }, events('STATUS REJECTED')],
        [
          {
            type: 'credential_shared',
            data: { idos_human_id: 'h', credential_id: 'c', shared_at: '2020-04-02T13:35:35Z' },
          },
          events('CREDENTIAL'),
        ],
        [{ type: 'email_changed', data: { email: 'ada@example.org' } }, events('PROFILE')],
        [{ type: 'authorization_revoked' }, NO_EVENTS],
      ],
      unmapped: [], // the type is the only status
      approval: {},
      untracked: ['authorization_revoked'],
      unknownTypes: [
        { change: { type: 'something_new', data: 'of another shape' } },
        ...ofTypes('verification_expired', 'Verification_approved', '__proto__', 'constructor'),
      ],
      timestamps: ['data.timestamp'],
    },
  ),
  spec(
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
        [{ status: 'approved', note: '' }, events('STATUS APPROVED')],
        [{ status: 'rejected' }, events('STATUS REJECTED')],
        [{ status: 'pending' }, events('STATUS IN_PROGRESS')],
      ],
      unmapped: [
        [{ status: 'contacted' }, 'status'],
        [{ status: 'constructor' }, 'status'],
      ],
      approval: { status: 'approved' },
      untracked: [],
      unknownTypes: [], // Kraken has no types
      timestamps: [],
    },
  ),
  spec(
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
        [{ type: 'applicantCreated', reviewStatus: 'init' }, events('STATUS PENDING')],
        [{ type: 'applicantPending', reviewStatus: 'pending' }, events('STATUS IN_PROGRESS')],
        [{ type: 'applicantPrechecked', reviewStatus: 'queued' }, events('STATUS IN_PROGRESS')],
        [{ type: 'applicantPrechecked', reviewStatus: 'prechecked' }, events('STATUS IN_PROGRESS')],
        [{ type: 'applicantOnHold', reviewStatus: 'pending' }, events('STATUS IN_REVIEW')],
        [{ type: 'applicantOnHold', reviewStatus: 'onHold' }, events('STATUS IN_REVIEW')],
        [
          {
            type: 'applicantAwaitingService',
            reviewStatus: 'awaitingService',
            reviewResult: { reviewAnswer: 'GREEN' },
          },
          events('STATUS IN_PROGRESS'),
        ],
        [
          { type: 'applicantAwaitingUser', reviewStatus: 'awaitingUser' },
          events('STATUS ACTION_REQUIRED'),
        ],
        [reviewed('applicantReviewed', { reviewAnswer: 'GREEN' }), events('STATUS APPROVED')],
        [reviewed('applicantReviewed', { reviewAnswer: 'RED' }), events('STATUS REJECTED')],
        [
          reviewed('applicantWorkflowCompleted', { reviewAnswer: 'GREEN' }),
          events('STATUS APPROVED'),
        ],
        [
          reviewed('applicantWorkflowCompleted', { reviewAnswer: 'RED' }),
          events('STATUS REJECTED'),
        ],
        [reviewed('applicantWorkflowFailed', { reviewAnswer: 'RED' }), events('STATUS REJECTED')],
        [
          { type: 'applicantWorkflowFailed', reviewStatus: 'init', reviewResult: undefined },
          events('UNVERIFIED', 'STATUS IN_REVIEW'),
        ],
        [
          { type: 'applicantWorkflowFailed', reviewResult: undefined },
          events('UNVERIFIED', 'STATUS IN_REVIEW'),
        ],
        [
          { type: 'applicantWorkflowFailed', reviewStatus: undefined, reviewResult: undefined },
          events('UNVERIFIED', 'STATUS IN_REVIEW'),
        ],
        [
          { type: 'applicantStepsReset', reviewStatus: 'init' },
          events('UNVERIFIED', 'STATUS ACTION_REQUIRED'),
        ],
        [
          reviewed('applicantStepsReset', { reviewAnswer: 'GREEN' }),
          events('UNVERIFIED', 'STATUS ACTION_REQUIRED'),
        ],
        [reviewed('applicantReset', { reviewAnswer: 'GREEN' }), events('RESET')],
        [{ type: 'applicantLevelChanged' }, events('WITHDRAWN', 'STATUS PENDING')],
        [{ type: 'applicantLevelChanged', previousLevelName: undefined }, events('STATUS PENDING')],
        [
          { type: 'applicantLevelChanged', previousLevelName: 'basic-kyc-level' },
          events('STATUS PENDING'),
        ],
        [{ type: 'applicantActivated', levelName: undefined }, events('ACCOUNT ACTIVE')],
        [{ type: 'applicantDeactivated' }, events('ACCOUNT DEACTIVATED')],
        [{ type: 'applicantDeleted' }, events('ACCOUNT DELETED')],
        [
          reviewed('applicantActionPending', { reviewAnswer: 'GREEN' }),
          events('STATUS IN_PROGRESS'),
        ],
        [{ type: 'applicantActionOnHold', reviewStatus: 'init' }, events('STATUS IN_REVIEW')],
        [reviewed('applicantActionReviewed', { reviewAnswer: 'GREEN' }), events('STATUS APPROVED')],
        [reviewed('applicantActionReviewed', { reviewAnswer: 'RED' }), events('STATUS REJECTED')],
        ...SUMSUB_UNTRACKED.map((type) => [{ type }, NO_EVENTS] as const),
        [{ type: 'kytCaseCreated', applicantId: undefined, createdAtMs: undefined }, NO_EVENTS],
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
      unknownTypes: ofTypes(
        'somethingNew',
        'applicantSomething',
        'applicantActionSomething',
        'applicantWorkflowRunCompleted', // an old name that is never sent
        'applicantreviewed',
        'applicantReviewed ',
        'constructor',
      ),
      timestamps: ['createdAtMs', 'createdAt'],
    },
  ),
  spec(
    'paycaddy',
    { paycaddySecretIn: 'path' },
    { ...PAYCADDY, name: 'paycaddy, secret in the path' },
  ),
  spec(
    'paycaddy',
    { paycaddySecretIn: 'header' },
    { ...PAYCADDY, name: 'paycaddy, secret in a header' },
  ),
  spec(
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
        [{ attemptStatus: undefined }, events('STATUS NOT_VERIFIED')],
        [{ attemptStatus: 'PENDING' }, events('STATUS PENDING NOT_VERIFIED')],
        [{ attemptStatus: 'VERIFICATION' }, events('STATUS IN_PROGRESS NOT_VERIFIED')],
        [{ attemptStatus: 'REJECTED_BY_PROVIDER' }, events('STATUS REJECTED NOT_VERIFIED')],
        [{ attemptStatus: 'SUCCESSFUL' }, events('STATUS APPROVED NOT_VERIFIED')],
        [
          { verificationStatus: 'VERIFIED', attemptStatus: 'SUCCESSFUL' },
          events('STATUS APPROVED VERIFIED'),
        ],
        [{ verificationStatus: 'VERIFIED', attemptStatus: undefined }, events('STATUS VERIFIED')],
        [
          { verificationStatus: 'VERIFIED', attemptStatus: 'PENDING' },
          events('STATUS PENDING VERIFIED'),
        ],
        [{ verificationStatus: 'EXPIRED', attemptStatus: undefined }, events('STATUS EXPIRED')],
      ],
      unmapped: [
        [{ verificationStatus: 'PENDING' }, 'verificationStatus'],
        [{ verificationStatus: 'verified' }, 'verificationStatus'],
        [{ attemptStatus: 'EXPIRED' }, 'attemptStatus'],
        [{ attemptStatus: 'hasOwnProperty' }, 'attemptStatus'],
      ],
      approval: { verificationStatus: 'VERIFIED', attemptStatus: 'SUCCESSFUL' },
      untracked: ['user/status', 'health'],
      unknownTypes: [
        { subpath: 'webhook/kyc-verification/status/more' },
        { subpath: 'webhook/kyc-verification' },
        { subpath: 'more/webhook/kyc-verification/status' },
        { subpath: 'webhook/poa-verification/status' },
        { subpath: 'webhook/user/status' }, // a known type with a verification status
        { subpath: 'constructor' },
      ],
      timestamps: [],
    },
  ),
];
