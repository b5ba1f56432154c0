/** What the thread that records and the one that asks tell each other. */

import type { IncomingDelivery, RecordOutcome } from '../../domain/delivery';
import { ERROR_CODES, GatewayError, StoreUnavailableError } from '../../domain/errors';
import type { StateRules } from '../../domain/fold/user';
import type { MasterKey } from '../../encryption/key-ring';
import type { DatabaseConfig } from '../database/options';

/** What the thread has to know. */
export interface WorkerConfig {
  readonly database: DatabaseConfig;
  readonly dataKeys: readonly [MasterKey, ...MasterKey[]];
  readonly rules: StateRules;
}

export type Request =
  | Packed
  /** Nothing is to be recorded from the answer `held` until `release`. */
  | { readonly kind: 'hold' }
  | { readonly kind: 'release' }
  | { readonly kind: 'close' };

/** Deliveries: all but their bodies as JSON, which is quicker than to clone them; the bodies in one piece. */
export interface Packed {
  readonly kind: 'deliveries';
  readonly json: string;
  readonly bodies: Uint8Array<ArrayBuffer>;
}

export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'recorded'; readonly results: readonly Result[] }
  | { readonly kind: 'committed'; readonly deliveries: number; readonly durationMs: number }
  | { readonly kind: 'held' }
  | { readonly kind: 'salvaged'; readonly error: PackedError }
  | { readonly kind: 'fatal'; readonly error: PackedError };

/** @property ticket - Given by who asked. */
export type Result =
  | { readonly ticket: number; readonly outcome: RecordOutcome }
  | { readonly ticket: number; readonly error: PackedError };

/** An error between threads. A clone would lose its class and its code. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Of the gateway, the driver or the system. */
  readonly code?: string;
  readonly cause?: PackedError;
}

/** @param error - What was thrown, which need not be an error. */
export function packError(error: unknown): PackedError {
  const { name = 'Error', message = '', stack, code, cause } = Object(error);
  return {
    name: String(name),
    message: String(message),
    ...(typeof stack === 'string' && { stack }),
    ...(typeof code === 'string' && { code }),
    ...(cause !== undefined && { cause: packError(cause) }),
  };
}

export function unpackError({ name, message, stack, code, cause }: PackedError): Error {
  const options = cause && { cause: unpackError(cause) };
  if (name === 'StoreUnavailableError') return new StoreUnavailableError({ ...options, message });
  const known = name === 'GatewayError' && ERROR_CODES.find((candidate) => candidate === code);
  if (known) return new GatewayError(known, message, options);
  return Object.assign(new Error(message, options), { name, stack, ...(code && { code }) });
}

export interface Ticketed {
  readonly ticket: number;
  readonly delivery: IncomingDelivery;
}

type Line = readonly [
  ticket: number,
  receivedAt: number,
  size: number,
  rest: Omit<IncomingDelivery, 'receivedAt' | 'rawBody'>,
];

export function pack(deliveries: readonly Ticketed[]): Packed {
  const size = deliveries.reduce((sum, { delivery }) => sum + delivery.rawBody.length, 0);
  const bodies = new Uint8Array(size); // of its own memory, which is handed over
  let at = 0;
  const lines = deliveries.map(({ ticket, delivery }): Line => {
    const { receivedAt, rawBody, ...rest } = delivery;
    bodies.set(rawBody, at);
    at += rawBody.length;
    return [ticket, receivedAt.getTime(), rawBody.length, rest];
  });
  return { kind: 'deliveries', json: JSON.stringify(lines), bodies };
}

export function unpack({ json, bodies }: Packed): readonly Ticketed[] {
  const lines: readonly Line[] = JSON.parse(json);
  const whole = Buffer.from(bodies.buffer, bodies.byteOffset, bodies.byteLength);
  let at = 0;
  return lines.map(([ticket, receivedAt, size, rest]) => {
    const rawBody = whole.subarray(at, at + size);
    at += size;
    return { ticket, delivery: { ...rest, receivedAt: new Date(receivedAt), rawBody } };
  });
}
