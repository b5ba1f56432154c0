/** Opaque ids: `User:12` in base64url. The only file that knows what is inside. */

import { GatewayError } from '../domain/errors';

/** Kinds of things that have an opaque id. Those that implement `Node` can be fetched by it. */
export const NODE_KINDS = [
  'User',
  'VerificationAttempt',
  'StatusChange',
  'WebhookDelivery',
  'Identity',
  'Credential',
  'AuditEntry',
] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

/** @param key - Our number of the thing, unique within its kind. */
export function encodeNodeId(kind: NodeKind, key: number): string {
  return Buffer.from(`${kind}:${key}`).toString('base64url');
}

/** Answers `null` for what is no id of ours, also for another spelling of one: an id has exactly one. */
export function decodeNodeId(id: string): { readonly kind: NodeKind; readonly key: number } | null {
  const [word, digits] = Buffer.from(id, 'base64url').toString('utf8').split(':');
  const kind = NODE_KINDS.find((candidate) => candidate === word);
  if (!kind || !/^\d{1,15}$/.test(digits ?? '')) return null;
  const key = Number(digits);
  return encodeNodeId(kind, key) === id ? { kind, key } : null;
}

/** @throws {GatewayError} INPUT_INVALID unless `id` is the id of a thing of this kind. */
export function parseNodeId(kind: NodeKind, id: string, argument: string): number {
  const decoded = decodeNodeId(id);
  if (decoded?.kind !== kind) {
    throw new GatewayError('INPUT_INVALID', `expected ${argument} to be the id of a ${kind}`);
  }
  return decoded.key;
}
