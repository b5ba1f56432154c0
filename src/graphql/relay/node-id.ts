/** Opaque IDs: `User:12` in base64url. No other file depends on this format. */

import { GatewayError } from '../../domain/errors';

/** Types with an opaque ID. `node(id:)` finds those that implement `Node`. */
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

/** @param key - Internal number of the object, unique within its kind. */
export function encodeNodeId(kind: NodeKind, key: number): string {
  return Buffer.from(plainNodeId(kind, key)).toString('base64url');
}

/** Plain form of an ID, as the audit log and the command line print it. */
const PLAIN = /^[A-Za-z]+:(0|[1-9]\d{0,14})$/;

/** Returns the plain form of an ID, for example `User:12`. It is accepted in place of the opaque ID. */
export function plainNodeId(kind: NodeKind, key: number): string {
  return `${kind}:${key}`;
}

/** Decodes an opaque ID, or its plain form. Returns null for any other text: each form has exactly one spelling. */
export function decodeNodeId(id: string): { readonly kind: NodeKind; readonly key: number } | null {
  const plain = PLAIN.test(id) ? id : Buffer.from(id, 'base64url').toString('utf8');
  const [name, digits] = plain.split(':');
  const kind = NODE_KINDS.find((candidate) => candidate === name);
  if (!kind || !/^\d{1,15}$/.test(digits ?? '')) return null;
  const key = Number(digits);
  const isCanonical = plain === id || encodeNodeId(kind, key) === id;
  return isCanonical ? { kind, key } : null;
}

/** @throws {GatewayError} INPUT_INVALID if `id` is not the ID of an object of this kind. */
export function parseNodeId(kind: NodeKind, id: string, argument: string): number {
  const decoded = decodeNodeId(id);
  if (decoded?.kind !== kind) {
    throw new GatewayError(
      'INPUT_INVALID',
      `${argument} must be the \`id\` of a ${kind}, as returned by this API.`,
    );
  }
  return decoded.key;
}
