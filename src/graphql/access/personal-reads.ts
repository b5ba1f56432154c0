/**
 * Reads of personal data. An API key must give a reason, and the read is committed to the audit log before the value is
 * returned. If the audit entry fails, the read fails. End users read their own data, which requires no reason.
 */

import DataLoader from 'dataloader';
import type { AuditAction } from '../../domain/audit';
import { GatewayError } from '../../domain/errors';
import type { Profile } from '../../domain/event';
import type { Reader } from '../../store/read/reader';
import type { Store } from '../../store/store';
import type { Visibility } from './visibility';

/** Batched: one statement reads all values requested together, and one transaction writes their audit entries. */
export interface PersonalReads {
  /**
   * Reads the profile of a user.
   *
   * @param reason - Argument of the caller, not yet validated.
   * @throws {GatewayError} FORBIDDEN, REASON_REQUIRED or INPUT_INVALID.
   * @throws {StoreUnavailableError} If the audit entry cannot be written.
   */
  readProfile(userId: number, reason: string | null | undefined): Promise<Profile | null>;

  /** Reads the body of a delivery as received. Same reason and errors as `readProfile`. */
  readRawBody(deliveryId: number, reason: string | null | undefined): Promise<Buffer | null>;
}

export const MAX_REASON_LENGTH = 200;

/** Description of the argument `reason`. */
export const REASON_DESCRIPTION =
  'Reason for reading, 1 to 200 characters, for example a ticket number. Stored in the audit log with the name of the API key, so it must not contain personal data. Required for API keys, ignored for end users.';

/** Total size of the raw bodies of one operation. The last slice may exceed it. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const BODIES_PER_SLICE = 8;
const TOO_MANY_BODIES =
  'The raw bodies of one operation may have about 16 MiB in total. Request fewer deliveries per operation.';

export interface PersonalReadsOptions {
  readonly read: Pick<Reader, 'profilesOf' | 'rawBodiesOf'>;
  readonly audit: Pick<Store['audit'], 'record'>;
  readonly visibility: Pick<Visibility, 'assertCanReadPersonalData'>;
  readonly now: () => Date;
}

export function createPersonalReads(options: PersonalReadsOptions): PersonalReads {
  const { read, visibility } = options;
  const profiles = createLoadersByReason(options, 'User', 'PROFILE_READ', (ids) =>
    read.profilesOf(ids),
  );
  const budget = { bytes: MAX_BODY_BYTES };
  const bodies = createLoadersByReason(options, 'WebhookDelivery', 'RAW_BODY_READ', (ids) =>
    readBodies(read, ids, budget),
  );

  return {
    readProfile: async (userId, reason) => profiles(toAccess(visibility, reason)).load(userId),
    readRawBody: async (deliveryId, reason) =>
      bodies(toAccess(visibility, reason)).load(deliveryId),
  };
}

/**
 * Reads bodies in slices, to bound memory and the time that decryption blocks the event loop. Returns an error for each
 * body beyond the budget.
 *
 * @param budget - Remaining bytes of the operation. Reduced by each slice.
 */
async function readBodies(
  read: PersonalReadsOptions['read'],
  ids: readonly number[],
  budget: { bytes: number },
): Promise<readonly (Buffer | null | Error)[]> {
  const bodies: (Buffer | null | Error)[] = [];
  while (bodies.length < ids.length) {
    const slice = ids.slice(bodies.length, bodies.length + BODIES_PER_SLICE);
    if (budget.bytes <= 0) {
      bodies.push(...slice.map(() => new GatewayError('INPUT_INVALID', TOO_MANY_BODIES)));
      continue;
    }
    const loaded = await read.rawBodiesOf(slice);
    budget.bytes -= loaded.reduce((sum, body) => sum + (body?.length ?? 0), 0);
    bodies.push(...loaded);
  }
  return bodies;
}

/** Actor and reason of a read. Null for an end user who reads their own data. */
type PersonalDataAccess = { readonly actor: string; readonly reason: string } | null;

function toAccess(
  visibility: Pick<Visibility, 'assertCanReadPersonalData'>,
  given: string | null | undefined,
): PersonalDataAccess {
  const actor = visibility.assertCanReadPersonalData();
  if (actor === null) return null;
  const reason = given?.trim() ?? '';
  if (reason === '') {
    throw new GatewayError(
      'REASON_REQUIRED',
      'Reading personal data requires a `reason`. It is stored in the audit log.',
    );
  }
  if (reason.length > MAX_REASON_LENGTH) {
    const message = `\`reason\` must have at most ${MAX_REASON_LENGTH} characters.`;
    throw new GatewayError('INPUT_INVALID', message);
  }
  return { actor, reason };
}

/** Creates one loader per reason, so that repeated reads for one reason have one audit entry per view of the data. */
function createLoadersByReason<Value>(
  { audit, now }: PersonalReadsOptions,
  kind: 'User' | 'WebhookDelivery',
  action: AuditAction,
  readAll: (ids: readonly number[]) => Promise<readonly (Value | null | Error)[]>,
): (access: PersonalDataAccess) => DataLoader<number, Value | null> {
  const loaders = new Map<string, DataLoader<number, Value | null>>();
  return (access) => {
    const key = access?.reason ?? '';
    const cached = loaders.get(key);
    if (cached !== undefined) return cached;
    const loader = new DataLoader<number, Value | null>(async (ids) => {
      const values = await readAll(ids);
      if (access === null) return values;
      const at = now();
      const isReturned = (value: unknown) => value !== null && !(value instanceof Error);
      const returned = ids.filter((_, index) => isReturned(values[index]));
      await audit.record(
        returned.map((id) => ({ ...access, action, subject: `${kind}:${id}`, details: {}, at })),
      );
      return values;
    });
    loaders.set(key, loader);
    return loader;
  };
}
