/** A whole gateway in this process, on a port and a data folder of its own, and short ways to talk to it over HTTP. */

import type { GraphQLFormattedError } from 'graphql';
import { SignJWT } from 'jose';
import { generateApiKey } from '../../../src/access/api-key';
import type { Scope } from '../../../src/access/principal';
import { type Config, loadConfig } from '../../../src/config/load-config';
import type { RecordOutcome } from '../../../src/domain/delivery';
import { createGateway, type GatewayOptions } from '../../../src/gateway';
import type { Logger } from '../../../src/observability/log';
import { PROVIDER_IDS } from '../../../src/providers/registry';
import type { Store } from '../../../src/store/store';
import { createTestDatabase } from '../../support/databases';
import type { Disposal } from '../../support/disposal';
import { silentLog } from '../../support/logs';
import {
  type ProviderName,
  type SignedRequest,
  type SigningOptions,
  signedRequest,
} from '../../support/sign';
import { createTempDir } from '../../support/temp-dir';

export const SECRETS: Readonly<Record<ProviderName, string>> = {
  'fractal-id': 'fractal-secret-0123456789abcdef0123',
  sumsub: 'sumsub-secret-0123456789abcdef01234',
  paycaddy: 'paycaddy-secret-0123456789abcdef012',
  p100: 'p100-secret-0123456789abcdef0123456',
};

/** Has every scope. */
export const API_KEY = 'bootstrap-key-of-the-tests-0123456789';

const JWT_SECRET = 'a shared secret that signs the tokens of the tests';
const JWT_NAME = 'kyc-gateway';

export interface TestGateway {
  readonly url: string;
  readonly wsUrl: string;
  readonly port: number;
  readonly store: Store;
  readonly config: Config;
  /** Stops it and starts another on the same data, on another port. */
  restart(): Promise<void>;
  /** Ends it before the test does. */
  stop(): Promise<void>;
  send(request: SignedRequest): Promise<Reply>;
  /** Sends `body` as the provider does, with proof. */
  post(
    provider: ProviderName,
    body: Buffer | string | object,
    proof?: Partial<SigningOptions>,
  ): Promise<Reply>;
  /** One operation over HTTP. @param credential - `null`: none at all. */
  ask(query: string, variables?: object, credential?: string | null): Promise<Answer>;
  createKey(...scopes: readonly Scope[]): Promise<CreatedKey>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Present where the delivery was kept. */
  readonly kept: Pick<RecordOutcome, 'deliveryId' | 'disposition' | 'duplicate'> | undefined;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: responses are untyped for clients, and tests check their shape
  readonly data?: any;
  readonly errors?: readonly GraphQLFormattedError[];
}

export interface CreatedKey {
  readonly key: string;
  readonly prefix: string;
}

export interface TestGatewayOptions extends GatewayOptions {
  /** Overrides the variables of the test gateway. `undefined` unsets a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly log?: Logger;
  /** Content of `TRUSTED_DOCUMENTS_FILE`. */
  readonly trustedDocumentsText?: string;
}

const LATE_MS = 600_000;

/** Long timeouts, because the machine may be slow. Does not wait for idle connections of `fetch`. */
const PATIENT = {
  http: {
    headersTimeoutMs: LATE_MS,
    requestTimeoutMs: LATE_MS,
    bodyIdleMs: LATE_MS,
    lastRequestMs: 0,
  },
  sockets: { initTimeoutMs: LATE_MS },
};

/** Stopped, and its data gone, after the test. */
export async function startGateway(
  disposal: Disposal,
  { env = {}, log = silentLog, trustedDocumentsText, ...others }: TestGatewayOptions = {},
): Promise<TestGateway> {
  const http = { ...PATIENT.http, ...others.limits?.http };
  const sockets = { ...PATIENT.sockets, ...others.limits?.sockets };
  const options = { ...others, limits: { ...others.limits, http, sockets } };
  const database = env.DATABASE_URL === undefined ? await createTestDatabase() : undefined;
  if (database) disposal.defer(database.drop);
  const DATA_DIR = await createTempDir(disposal);
  const config = configOf(
    { DATA_DIR, DATABASE_URL: database?.url, DATABASE_CONNECTIONS: '6', ...env },
    trustedDocumentsText ?? null,
  );
  let gateway = await createGateway(config, log, options);
  let running = true;

  async function stop(): Promise<void> {
    if (!running) return;
    running = false;
    await gateway.stop();
  }
  disposal.defer(stop);

  async function send({ path, headers, body }: SignedRequest): Promise<Reply> {
    const answer = await fetch(gateway.url + path, { method: 'POST', headers, body });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, kept: keptOf(text) };
  }

  return {
    get url() {
      return gateway.url;
    },
    get wsUrl() {
      return `${gateway.url.replace('http', 'ws')}/graphql`;
    },
    get port() {
      return Number(new URL(gateway.url).port);
    },
    get store() {
      return gateway.store;
    },
    config,
    stop,
    send,

    async restart() {
      await stop();
      gateway = await createGateway(config, log, options);
      running = true;
    },

    post: (provider, body, proof = {}) =>
      send(signedRequest(provider, body, { secret: SECRETS[provider], ...proof })),

    async ask(query, variables = {}, credential = API_KEY) {
      const answer = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/graphql-response+json',
          ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
        },
        body: JSON.stringify({ query, variables }),
      });
      const text = await answer.text();
      return { status: answer.status, text, ...JSON.parse(text) };
    },

    async createKey(...scopes) {
      const { key, prefix, hash } = generateApiKey();
      await gateway.store.apiKeys.create({
        name: `key of ${prefix}`,
        prefix,
        hash,
        scopes,
        auditActor: 'test',
        now: new Date(),
      });
      return { key, prefix };
    },
  };
}

/** Codes of the errors. */
export function codesOf({ errors }: Pick<Answer, 'errors'>): readonly unknown[] {
  return (errors ?? []).map(({ extensions }) => extensions?.code);
}

/** Creates the token of an end user. @param claims - Override the default claims. */
export function tokenFor(externalUserId: string, claims: object = {}): Promise<string> {
  const expiresAt = Math.floor(Date.now() / 1000) + 600;
  const usual = { iss: JWT_NAME, aud: JWT_NAME, sub: externalUserId, exp: expiresAt };
  return new SignJWT({ ...usual, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(JWT_SECRET));
}

function configOf(
  env: Readonly<Record<string, string | undefined>>,
  trustedDocumentsText: string | null,
): Config {
  const usual = {
    PORT: '0',
    DATA_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
    BOOTSTRAP_API_KEY: API_KEY,
    JWT_SECRET,
    WEBHOOK_SECRETS_FRACTAL_ID: SECRETS['fractal-id'],
    WEBHOOK_SECRETS_SUMSUB: SECRETS.sumsub,
    WEBHOOK_SECRETS_PAYCADDY: SECRETS.paycaddy,
    WEBHOOK_SECRETS_P100: SECRETS.p100,
  };
  const sources = { env: { ...usual, ...env }, policyText: null, trustedDocumentsText, faults: [] };
  return loadConfig(sources, PROVIDER_IDS);
}

function keptOf(text: string): Reply['kept'] {
  const answer: Reply['kept'] | { readonly error: object } = JSON.parse(text);
  return answer === undefined || 'error' in answer ? undefined : answer;
}
