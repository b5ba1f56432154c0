import type { VerificationEvent } from '../../src/domain/event';
import { readDelivery } from '../../src/ingest/read-delivery';
import { createProvider } from '../contract/provider-specs';
import type { ProviderName } from '../support/sign';

const LONG = 'x'.repeat(900 * 1024);
const NOW = new Date('2024-06-01T00:00:00Z');

function readEvents(name: ProviderName, body: object): readonly VerificationEvent[] {
  const rawBody = Buffer.from(JSON.stringify(body));
  const provider = createProvider(name, ['secret']);
  const reading = readDelivery(provider, { headers: {}, rawBody, subpath: '' }, NOW);
  if (reading.kind !== 'EVENTS') throw new Error(`no events: ${reading.kind}`);
  return reading.events;
}

const paycaddy = (fields: object) => ({
  metadata: { userId: 'user-1' },
  status: 'rejected',
  description: 'AML checks rejected',
  fullName: 'Invented Person',
  age: '30',
  timeStamp: '2024-01-01T00:00:00.0000000Z',
  ...fields,
});

const sumsub = (reviewResult: object) => ({
  type: 'applicantReviewed',
  applicantId: 'applicant-1',
  levelName: 'basic',
  reviewStatus: 'completed',
  reviewResult: { reviewAnswer: 'RED', ...reviewResult },
  createdAtMs: '2024-01-01 00:00:00.000',
});

it('truncates a description from PayCaddy, as code and as message', () => {
  const [event] = readEvents('paycaddy', paycaddy({ description: LONG }));

  expect(event).toMatchObject({
    reasons: [
      { code: 'OTHER', providerCode: `${'x'.repeat(99)}…`, message: `${'x'.repeat(1999)}…` },
    ],
  });
});

it('truncates a name and an age from PayCaddy', () => {
  const [, profile] = readEvents('paycaddy', paycaddy({ fullName: LONG, age: LONG }));

  expect(profile).toMatchObject({
    type: 'PROFILE',
    profile: { fullName: `${'x'.repeat(511)}…`, age: `${'x'.repeat(511)}…` },
  });
});

it('truncates a comment and labels from Sumsub, and keeps 100 labels', () => {
  const rejectLabels = Array.from({ length: 5_000 }, (_, index) => `${index} ${'y'.repeat(150)}`);
  const [event] = readEvents('sumsub', sumsub({ rejectLabels, moderationComment: LONG }));
  const reasons = event !== undefined && 'reasons' in event ? (event.reasons ?? []) : [];

  expect(reasons).toHaveLength(100);
  expect(reasons[0]).toEqual({
    code: 'OTHER',
    providerCode: `0 ${'y'.repeat(97)}…`,
    message: `${'x'.repeat(1999)}…`,
  });
  expect(reasons[99]?.providerCode).toHaveLength(100);
});

it('truncates a provider status', () => {
  const [event] = readEvents('sumsub', sumsub({ reviewRejectType: 'z'.repeat(512) }));

  expect(event).toHaveProperty('providerStatus', `completed/RED/${'z'.repeat(497)}…`);
});

it('distinguishes deliveries that differ only in the truncated part', () => {
  const getKey = (description: string) => {
    const rawBody = Buffer.from(JSON.stringify(paycaddy({ description })));
    const request = { headers: {}, rawBody, subpath: '' };
    return readDelivery(createProvider('paycaddy', ['secret']), request, NOW).duplicateKey;
  };

  expect(getKey(`${LONG}a`)).not.toBe(getKey(`${LONG}b`));
});

it('leaves all other fields unchanged', () => {
  const body = paycaddy({});
  const provider = createProvider('paycaddy', ['secret']);
  const request = { headers: {}, rawBody: Buffer.from(JSON.stringify(body)), subpath: '' };

  expect(readEvents('paycaddy', body)).toEqual(provider.normalize(provider.parse(request).payload));
});
