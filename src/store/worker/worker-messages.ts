/** Messages between the main thread and the writer thread. */

import type { IncomingDelivery, RecordOutcome } from '../../domain/delivery';
import { ERROR_CODES, GatewayError, StoreUnavailableError } from '../../domain/errors';
import type { StateRules } from '../../domain/fold/user';
import type { MasterKey } from '../../encryption/key-ring';
import type { DatabaseConfig } from '../database/options';

/** Input of the worker. */
export interface WorkerConfig {
  readonly database: DatabaseConfig;
  readonly dataKeys: readonly [MasterKey, ...MasterKey[]];
  readonly rules: StateRules;
}

/** Messages to the worker. */
export type WorkerRequest =
  | Batch
  /** Pauses writing after the current group. The worker responds `paused` and writes nothing until `resume`. */
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'close' };

/** Deliveries as JSON, which is faster than a structured clone. Their bodies are concatenated in one buffer. */
export interface Batch {
  readonly kind: 'deliveries';
  readonly json: string;
  readonly bodies: Uint8Array<ArrayBuffer>;
}

/** Messages from the worker. */
export type WorkerResponse =
  | { readonly kind: 'ready' }
  | { readonly kind: 'recorded'; readonly results: readonly Result[] }
  | { readonly kind: 'committed'; readonly deliveries: number; readonly durationMs: number }
  | { readonly kind: 'paused' }
  | { readonly kind: 'salvaged'; readonly error: ErrorData }
  | { readonly kind: 'fatal'; readonly error: ErrorData };

/** @property ticket - Number that the main thread assigned to the delivery. */
export type Result =
  | { readonly ticket: number; readonly outcome: RecordOutcome }
  | { readonly ticket: number; readonly error: ErrorData };

/** An error as plain data. A structured clone loses the class and the code. */
export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Code of the gateway, the driver or the system. */
  readonly code?: string;
  readonly cause?: ErrorData;
}

/** @param error - The thrown value, of any type. */
export function toErrorData(error: unknown): ErrorData {
  const { name = 'Error', message = '', stack, code, cause } = Object(error);
  return {
    name: String(name),
    message: String(message),
    ...(typeof stack === 'string' && { stack }),
    ...(typeof code === 'string' && { code }),
    ...(cause !== undefined && { cause: toErrorData(cause) }),
  };
}

export function toError({ name, message, stack, code, cause }: ErrorData): Error {
  const options = cause && { cause: toError(cause) };
  if (name === 'StoreUnavailableError') return new StoreUnavailableError({ ...options, message });
  const known = name === 'GatewayError' && ERROR_CODES.find((candidate) => candidate === code);
  if (known) return new GatewayError(known, message, options);
  return Object.assign(new Error(message, options), { name, stack, ...(code && { code }) });
}

export interface Ticketed {
  readonly ticket: number;
  readonly delivery: IncomingDelivery;
}

type Entry = readonly [
  ticket: number,
  receivedAt: number,
  bodyBytes: number,
  rest: Omit<IncomingDelivery, 'receivedAt' | 'rawBody'>,
];

export function toBatch(deliveries: readonly Ticketed[]): Batch {
  const size = deliveries.reduce((sum, { delivery }) => sum + delivery.rawBody.length, 0);
  // Not from the buffer pool: the memory is transferred to the worker.
  const bodies = new Uint8Array(size);
  let at = 0;
  const entries = deliveries.map(({ ticket, delivery }): Entry => {
    const { receivedAt, rawBody, ...rest } = delivery;
    bodies.set(rawBody, at);
    at += rawBody.length;
    return [ticket, receivedAt.getTime(), rawBody.length, rest];
  });
  return { kind: 'deliveries', json: JSON.stringify(entries), bodies };
}

export function fromBatch({ json, bodies }: Batch): readonly Ticketed[] {
  const entries: readonly Entry[] = JSON.parse(json);
  const buffer = Buffer.from(bodies.buffer, bodies.byteOffset, bodies.byteLength);
  let at = 0;
  return entries.map(([ticket, receivedAt, bodyBytes, rest]) => {
    const rawBody = buffer.subarray(at, at + bodyBytes);
    at += bodyBytes;
    return { ticket, delivery: { ...rest, receivedAt: new Date(receivedAt), rawBody } };
  });
}
