/** Deliveries as the real adapters parse them, from realistic bodies. */

import type { IncomingDelivery } from '../../src/domain/delivery';
import type { ProviderId } from '../../src/domain/level';
import { readDelivery, readResponse } from '../../src/ingest/read-delivery';
import { createProviders } from '../../src/providers/registry';

const SECRET = 'a-secret-that-is-only-used-in-tests-0123456789';

const IDS = ['fractal-id', 'sumsub', 'paycaddy', 'p100'];

function providersFor(fractalIdFormat: 'classic' | 'kraken') {
  return createProviders({
    webhookSecrets: Object.fromEntries(IDS.map((id) => [id, [{ secret: SECRET }]])),
    fractalIdFormat,
    sumsubMinimumDigest: 'sha256',
  });
}

const CLASSIC = providersFor('classic');
const KRAKEN = providersFor('kraken');

/** Creates the delivery of an authentic POST of `body` at `receivedAt`. */
export function delivery(
  provider: ProviderId | 'kraken',
  body: object | string,
  receivedAt: Date,
): IncomingDelivery {
  const adapter = provider === 'kraken' ? KRAKEN.get('fractal-id') : CLASSIC.get(provider);
  if (adapter === undefined) throw new Error(`no adapter ${provider}`);
  const rawBody = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const reading = readDelivery(adapter, { headers: {}, rawBody, subpath: '' }, ahead(receivedAt));
  return { provider: adapter.id, receivedAt, rawBody, subpath: '', trust: 'SIGNED', reading };
}

/** Creates the delivery of a status response to a request at `askedAt`. */
export function answer(
  provider: ProviderId,
  subpath: string,
  body: object,
  askedAt: Date,
): IncomingDelivery {
  const adapter = CLASSIC.get(provider);
  if (adapter === undefined) throw new Error(`no adapter ${provider}`);
  const rawBody = Buffer.from(JSON.stringify(body));
  const reading = readResponse(adapter, { rawBody, subpath }, ahead(askedAt));
  return { provider, receivedAt: askedAt, rawBody, subpath, trust: 'CONFIRMED', reading };
}

/** Default of CLOCK_SKEW. */
function ahead(date: Date): Date {
  return new Date(date.getTime() + 5 * 60_000);
}

export function fractalId(type: string, level: string, user: string, second: number) {
  const timestamp = new Date(Date.UTC(2024, 0, 1, 0, 0, second)).toISOString().replace('.000', '');
  return { type, data: { level, user_id: user, timestamp } };
}

export function sumsub(type: string, rest: object, millisecond: number) {
  const createdAtMs = new Date(Date.UTC(2024, 0, 1) + millisecond)
    .toISOString()
    .replace('T', ' ')
    .replace('Z', '');
  return {
    applicantId: 'applicant-1',
    inspectionId: 'inspection-1',
    correlationId: 'req-1',
    levelName: 'basic-kyc-level',
    type,
    reviewStatus: 'init',
    createdAtMs,
    ...rest,
  };
}

export function paycaddy(status: string, user: string, tick: number) {
  const timeStamp = `2024-01-01T00:00:00.${String(tick).padStart(7, '0')}Z`;
  const description =
    status === 'verified' ? 'Verification signed' : 'The document uploaded has issues';
  return {
    metadata: { userId: user },
    status,
    description,
    fullName: 'Invented Person',
    age: '33',
    timeStamp,
  };
}

export function p100(user: string, verificationStatus: string, attemptStatus?: string) {
  return {
    externalUserId: user,
    verificationStatus,
    ...(attemptStatus === undefined ? {} : { attemptStatus }),
    ...(attemptStatus === 'REJECTED_BY_PROVIDER' ? { rejectionReason: 'NO_FACE_FOUND' } : {}),
  };
}
