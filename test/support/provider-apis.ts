/**
 * HTTP server with the status calls of the providers. Verifies credentials and responds as documented. Implemented with
 * `node:crypto` only and without the code under test.
 */

import { createHmac, generateKeyPairSync, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Disposal } from './disposal';

export const SUMSUB_API = {
  appToken: 'prd:app-token-of-the-tests',
  secretKey: 'secret-key-of-the-tests',
};
export const PAYCADDY_KEY = 'paycaddy-key-of-the-tests';
export const P100_KEY = 'p100-key-of-the-tests';

/** Key pair on the curve that Kraken requires. */
const KRAKEN_KEYS = generateKeyPairSync('ec', {
  namedCurve: 'P-521',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
export const KRAKEN_API = {
  clientId: 'client-of-the-tests',
  privateKey: KRAKEN_KEYS.privateKey,
};

/** A fault instead of a response. The request is authenticated before. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => void;

export interface ProviderApiServer {
  readonly origin: string;
  /** Response bodies by the provider's user ID. */
  readonly kraken: Map<string, object>;
  readonly sumsub: Map<string, object>;
  /** Response bodies by Sumsub's action ID. */
  readonly actions: Map<string, object>;
  readonly paycaddy: Map<string, object>;
  readonly p100: Map<string, object>;
  /** Requested paths so far, including rejected requests. */
  readonly requestedPaths: string[];
  /** Returns the maximum number of concurrent requests so far. */
  readonly getMaxConcurrency: () => number;
  /** Faults for the next requests, in order. */
  readonly faults: Fault[];
  /** Sets the fault for every request. */
  setFault(fault: Fault | null): void;
  /** Variables of a gateway that sends status checks to this server. */
  readonly env: Readonly<Record<string, string>>;
  /** Variables of a gateway with the Kraken format that sends status checks to this server. */
  readonly krakenEnv: Readonly<Record<string, string>>;
}

export async function startProviderApis(disposal: Disposal): Promise<ProviderApiServer> {
  const kraken = new Map<string, object>();
  const sumsub = new Map<string, object>();
  const actions = new Map<string, object>();
  const paycaddy = new Map<string, object>();
  const p100 = new Map<string, object>();
  const asked: string[] = [];
  const faults: Fault[] = [];
  let permanentFault: Fault | null = null;
  let active = 0;
  let maxActive = 0;

  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    active += 1;
    maxActive = Math.max(maxActive, active);
    response.once('close', () => {
      active -= 1;
    });
    const route = ROUTES.find(({ path }) => path.test(request.url ?? ''));
    const [, id = ''] = route?.path.exec(request.url ?? '') ?? [];
    if (route === undefined || request.method !== 'GET') return send(response, 404, {});
    const rejection = route.authenticate(request);
    if (rejection !== undefined) return send(response, rejection[0], rejection[1]);
    const fault = faults.shift() ?? permanentFault;
    if (fault !== null) return fault(request, response);
    const body = { kraken, sumsub, actions, paycaddy, p100 }[route.api].get(decodeURIComponent(id));
    if (body === undefined) return send(response, ...route.notFound);
    // Responds in a later turn, like a real server.
    setImmediate(() => send(response, 200, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  disposal.defer(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    kraken,
    sumsub,
    actions,
    paycaddy,
    p100,
    requestedPaths: asked,
    faults,
    getMaxConcurrency: () => maxActive,
    setFault(fault) {
      permanentFault = fault;
    },
    env: {
      SUMSUB_APP_TOKEN: SUMSUB_API.appToken,
      SUMSUB_SECRET_KEY: SUMSUB_API.secretKey,
      SUMSUB_BASE_URL: origin,
      PAYCADDY_API_KEY: PAYCADDY_KEY,
      PAYCADDY_BASE_URL: origin,
      P100_API_KEY: P100_KEY,
      P100_BASE_URL: origin,
    },
    krakenEnv: {
      FRACTAL_ID_FORMAT: 'kraken',
      FRACTAL_ID_CLIENT_ID: KRAKEN_API.clientId,
      FRACTAL_ID_PRIVATE_KEY: KRAKEN_API.privateKey,
      FRACTAL_ID_BASE_URL: origin,
    },
  };
}

interface Route {
  readonly api: 'kraken' | 'sumsub' | 'actions' | 'paycaddy' | 'p100';
  readonly path: RegExp;
  /** Returns the response to a request with invalid credentials. */
  readonly authenticate: (
    request: IncomingMessage,
  ) => readonly [number, object | string] | undefined;
  readonly notFound: readonly [number, object];
}

const ROUTES: readonly Route[] = [
  {
    api: 'kraken',
    path: /^\/public\/kyc\/([^/?]+)\/status$/,
    authenticate: authenticateKraken,
    notFound: [404, { message: 'not found' }],
  },
  {
    api: 'sumsub',
    path: /^\/resources\/applicants\/([^/?]+)\/status$/,
    authenticate: authenticateSumsub,
    notFound: [404, { code: 404, description: 'Applicant not found' }],
  },
  {
    api: 'actions',
    path: /^\/resources\/applicantActions\/([^/?]+)\/one$/,
    authenticate: authenticateSumsub,
    notFound: [404, { code: 404, description: 'Applicant action not found' }],
  },
  {
    api: 'paycaddy',
    path: /^\/v2\/endUsers\/([^/?]+)$/,
    authenticate: ({ headers }) =>
      headers['x-api-key'] === PAYCADDY_KEY ? undefined : [401, { title: 'Unauthorized' }],
    notFound: [404, { title: 'Not Found', status: 404 }],
  },
  {
    api: 'p100',
    path: /^\/v1\/kyc\/status\/([^/?]+)$/,
    authenticate({ headers }) {
      if (headers['x-api-key'] === undefined) return [401, 'Access Denied. xo1'];
      return headers['x-api-key'] === P100_KEY ? undefined : [401, 'Access Denied. xo2'];
    },
    notFound: [400, { code: 'P412', message: 'no such user' }],
  },
];

function authenticateSumsub({
  headers,
  method,
  url,
}: IncomingMessage): ReturnType<Route['authenticate']> {
  const time = String(headers['x-app-access-ts']);
  const expected = createHmac('sha256', SUMSUB_API.secretKey)
    .update(`${time}${method}${url}`)
    .digest('hex');
  if (headers['x-app-token'] !== SUMSUB_API.appToken) {
    return [401, { code: 401, errorCode: 4000, description: 'Invalid app token' }];
  }
  if (headers['x-app-access-sig'] !== expected) {
    return [401, { code: 401, errorCode: 4003, description: 'Request signature mismatch' }];
  }
  const skewS = Math.abs(Date.now() / 1000 - Number(time));
  return skewS <= 60 ? undefined : [401, { code: 401, description: 'Timestamp is off' }];
}

function authenticateKraken({ headers }: IncomingMessage): ReturnType<Route['authenticate']> {
  const [, head = '', claims = '', signature = ''] =
    /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(headers.authorization ?? '') ?? [];
  const isValid = verify(
    'sha512',
    Buffer.from(`${head}.${claims}`),
    { key: KRAKEN_KEYS.publicKey, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
  if (!isValid) return [401, { message: 'invalid token' }];
  const { alg } = JSON.parse(Buffer.from(head, 'base64url').toString());
  const { api, clientId, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  const now = Date.now() / 1000;
  const isCurrent = exp > now && exp <= now + 600 && exp - iat <= 600;
  const hasClaims = alg === 'ES512' && api === true && clientId === KRAKEN_API.clientId;
  return isCurrent && hasClaims ? undefined : [403, { message: 'forbidden' }];
}

function send(response: ServerResponse, status: number, body: object | string): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json' }).end(text);
}

// ── Faults ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export function respond(status: number, headers: Record<string, string> = {}, body = ''): Fault {
  return (_request, response) => response.writeHead(status, headers).end(body);
}

/** Receives the request and never responds. */
export const neverRespond: Fault = () => {};

/** Starts a response and never completes it. */
export const stall: Fault = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).write('{"reviewStatus":');
};

/** Closes the connection before the announced length is sent. */
export const truncate: Fault = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"reviewStatus":', () => response.destroy());
};

export const closeConnection: Fault = (request) => request.socket.destroy();

/** Sends an endless response. */
export const sendEndlessly: Fault = (_request, response) => {
  const chunk = Buffer.alloc(64 * 1024, ' ');
  response.writeHead(200, { 'content-type': 'application/json' });
  const write = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', write);
  write();
};
