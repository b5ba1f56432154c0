/**
 * Personal data, shown to API keys for a reason only: each look is in the audit log before the value is given out, and where
 * it cannot be written down nothing is given out. End users look at their own data, which needs no reason.
 */

import DataLoader from 'dataloader';
import type { AuditAction } from '../../domain/audit';
import { GatewayError } from '../../domain/errors';
import type { Profile } from '../../domain/event';
import type { Reader } from '../../store/read/reader';
import type { Store } from '../../store/store';
import type { Visibility } from './visibility';

/** Batched: however many are looked at in one go, one statement reads them and one transaction writes them down. */
export interface PersonalReads {
  /**
   * @param reason - As the caller gave it. @throws {GatewayError} FORBIDDEN, REASON_REQUIRED, INPUT_INVALID;
   *   {StoreUnavailableError} if it cannot be written down.
   */
  readProfile(userId: number, reason: string | null | undefined): Promise<Profile | null>;

  /** The same. @returns the body as it was received. */
  readRawBody(deliveryId: number, reason: string | null | undefined): Promise<Buffer | null>;
}

export const REASON_DESCRIPTION =
  'Why it is looked at, 1 to 200 characters, e.g. the number of a ticket: goes to the audit log, with your name. Required of API keys; end users, who see their own data alone, need none. Put nothing personal in it.';

/** Of one operation, together. The last ones read may exceed it. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const BODIES_AT_A_TIME = 8;
const TOO_MANY_BODIES =
  'The raw bodies of one operation may have about 16 MiB together. Request fewer at a time.';

export interface PersonalReadsOptions {
  readonly read: Pick<Reader, 'profilesOf' | 'rawBodiesOf'>;
  readonly audit: Pick<Store['audit'], 'record'>;
  readonly visibility: Pick<Visibility, 'assertCanReadPersonalData'>;
  readonly now: () => Date;
}

export function createPersonalReads(options: PersonalReadsOptions): PersonalReads {
  const { read, visibility } = options;
  const profiles = loadersByReason(options, 'User', 'PROFILE_READ', (ids) => read.profilesOf(ids));
  const budget = { bytes: MAX_BODY_BYTES };
  const bodies = loadersByReason(options, 'WebhookDelivery', 'RAW_BODY_READ', (ids) =>
    readBodies(read, ids, budget),
  );

  return {
    readProfile: async (userId, reason) => profiles(toAccess(visibility, reason)).load(userId),
    readRawBody: async (deliveryId, reason) =>
      bodies(toAccess(visibility, reason)).load(deliveryId),
  };
}

/**
 * Reads a few bodies at a time, so that neither memory nor the event loop is held by as many as a document asks for.
 *
 * @param budget - Bytes that are left to the operation.
 * @returns an error for each body behind the end of the budget.
 */
async function readBodies(
  read: PersonalReadsOptions['read'],
  ids: readonly number[],
  budget: { bytes: number },
): Promise<readonly (Buffer | null | Error)[]> {
  const bodies: (Buffer | null | Error)[] = [];
  while (bodies.length < ids.length) {
    const slice = ids.slice(bodies.length, bodies.length + BODIES_AT_A_TIME);
    if (budget.bytes <= 0) {
      bodies.push(...slice.map(() => new GatewayError('INPUT_INVALID', TOO_MANY_BODIES)));
      continue;
    }
    const some = await read.rawBodiesOf(slice);
    budget.bytes -= some.reduce((sum, body) => sum + (body?.length ?? 0), 0);
    bodies.push(...some);
  }
  return bodies;
}

/** Who looks, and why; `null`: somebody at their own data. */
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
      'Provide a `reason`: it goes to the audit log with this look.',
    );
  }
  if (reason.length > MAX_REASON_LENGTH) {
    const message = `\`reason\` must have at most ${MAX_REASON_LENGTH} characters.`;
    throw new GatewayError('INPUT_INVALID', message);
  }
  return { actor, reason };
}

/** One loader per reason: within one view of the data, nobody is looked at twice for the same one. */
function loadersByReason<Value>(
  { audit, now }: PersonalReadsOptions,
  kind: 'User' | 'WebhookDelivery',
  action: AuditAction,
  readAll: (ids: readonly number[]) => Promise<readonly (Value | null | Error)[]>,
): (look: PersonalDataAccess) => DataLoader<number, Value | null> {
  const made = new Map<string, DataLoader<number, Value | null>>();
  return (look) => {
    const key = look?.reason ?? '';
    const known = made.get(key);
    if (known !== undefined) return known;
    const loader = new DataLoader<number, Value | null>(async (ids) => {
      const values = await readAll(ids);
      if (look === null) return values;
      const at = now();
      const isShown = (value: unknown) => value !== null && !(value instanceof Error);
      const shown = ids.filter((_, index) => isShown(values[index]));
      await audit.record(
        shown.map((id) => ({ ...look, action, subject: `${kind}:${id}`, details: {}, at })),
      );
      return values;
    });
    made.set(key, loader);
    return loader;
  };
}

export const MAX_REASON_LENGTH = 200;
