/** Opaque IDs: `User:12` in base64url. The only file that knows what is inside. */

import { GatewayError } from '../../domain/errors';

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
  return Buffer.from(plainNodeId(kind, key)).toString('base64url');
}

/** A node ID as the audit log and the command line print it. */
const PLAIN = /^[A-Za-z]+:(0|[1-9]\d{0,14})$/;

/** The ID as people read it, e.g. `User:12`. Accepted wherever an opaque ID is. */
export function plainNodeId(kind: NodeKind, key: number): string {
  return `${kind}:${key}`;
}

/** Decodes an opaque ID, or its plain form `User:12`. Returns `null` for anything else: each form has exactly one spelling. */
export function decodeNodeId(id: string): { readonly kind: NodeKind; readonly key: number } | null {
  const plain = PLAIN.test(id) ? id : Buffer.from(id, 'base64url').toString('utf8');
  const [word, digits] = plain.split(':');
  const kind = NODE_KINDS.find((candidate) => candidate === word);
  if (!kind || !/^\d{1,15}$/.test(digits ?? '')) return null;
  const key = Number(digits);
  const known = plain === id || encodeNodeId(kind, key) === id;
  return known ? { kind, key } : null;
}

/** @throws {GatewayError} INPUT_INVALID unless `id` is the id of a thing of this kind. */
export function parseNodeId(kind: NodeKind, id: string, argument: string): number {
  const decoded = decodeNodeId(id);
  if (decoded?.kind !== kind) {
    throw new GatewayError(
      'INPUT_INVALID',
      `${argument} must be the \`id\` of a ${kind}, as this API gives it.`,
    );
  }
  return decoded.key;
}
