/** The fixtures: what the vendors' pages show, and beside it what we make of that. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VendorId } from '../support/sign';
import type { Outcome } from './receive';

const FIXTURES = join(__dirname, '..', 'fixtures');
const BODY = '.json';
const OUTCOME = '.events.json';
const STATE = '.state.json';

export const VENDORS: readonly VendorId[] = ['fractal-id', 'sumsub', 'paycaddy', 'p100'];

export interface Case {
  readonly provider: VendorId;
  readonly name: string;
  /** The vendor's bytes. */
  readonly body: Buffer;
  readonly outcome: Outcome;
}

export function loadCases(provider: VendorId): readonly Case[] {
  const folder = join(FIXTURES, provider);
  return caseNames(provider).map((name) => ({
    provider,
    name,
    body: readFileSync(join(folder, name + BODY)),
    outcome: readJsonFile(join(folder, name + OUTCOME)),
  }));
}

export function loadBody(provider: VendorId, name: string): Buffer {
  return readFileSync(join(FIXTURES, provider, name + BODY));
}

/** The content of `<case>.state.json`: what a gateway shows that was sent this body alone. */
export function loadState(provider: VendorId, name: string): unknown {
  return readJsonFile(join(FIXTURES, provider, name + STATE));
}

export function caseNames(provider: VendorId): readonly string[] {
  return readdirSync(join(FIXTURES, provider))
    .filter((file) => file.endsWith(BODY) && !file.endsWith(OUTCOME) && !file.endsWith(STATE))
    .map((file) => file.slice(0, -BODY.length))
    .sort();
}

/** One worked signature, right or wrong. */
export interface SignatureVector {
  readonly id: string;
  readonly provider: VendorId;
  readonly scheme: string;
  readonly header: string;
  readonly value: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly secret: string;
  readonly body: string;
  readonly valid: boolean;
  readonly note: string;
}

export function loadSignatureVectors(): readonly SignatureVector[] {
  return readJsonFile(join(FIXTURES, 'signatures.json'));
}

/** The files are ours and the tests that read them check what is in them. */
function readJsonFile<Content>(file: string): Content {
  return JSON.parse(readFileSync(file, 'utf8'));
}
