/** Loads the fixtures: published webhook bodies and their expected results. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProviderName } from '../support/sign';
import type { Outcome } from './receive';

const FIXTURES = join(__dirname, '..', 'fixtures');
const BODY = '.json';
const OUTCOME = '.events.json';
const STATE = '.state.json';

export const PROVIDER_NAMES: readonly ProviderName[] = ['fractal-id', 'sumsub', 'paycaddy', 'p100'];

export interface Case {
  readonly provider: ProviderName;
  readonly name: string;
  /** Published body, byte for byte. */
  readonly body: Buffer;
  readonly outcome: Outcome;
}

export function loadCases(provider: ProviderName): readonly Case[] {
  const folder = join(FIXTURES, provider);
  return caseNames(provider).map((name) => ({
    provider,
    name,
    body: readFileSync(join(folder, name + BODY)),
    outcome: readJsonFile(join(folder, name + OUTCOME)),
  }));
}

export function loadBody(provider: ProviderName, name: string): Buffer {
  return readFileSync(join(FIXTURES, provider, name + BODY));
}

/** Loads `<case>.state.json`: the state of a gateway that received only this body. */
export function loadState(provider: ProviderName, name: string): unknown {
  return readJsonFile(join(FIXTURES, provider, name + STATE));
}

export function caseNames(provider: ProviderName): readonly string[] {
  return readdirSync(join(FIXTURES, provider))
    .filter((file) => file.endsWith(BODY) && !file.endsWith(OUTCOME) && !file.endsWith(STATE))
    .map((file) => file.slice(0, -BODY.length))
    .sort();
}

/** A valid or invalid signature. */
export interface SignatureVector {
  readonly id: string;
  readonly provider: ProviderName;
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

/** Reads JSON without validation. The tests that use a file check its content. */
function readJsonFile<Content>(file: string): Content {
  return JSON.parse(readFileSync(file, 'utf8'));
}
