/**
 * The status calls of the vendors as an HTTP server that behaves as their pages say, proofs checked. Written against the pages
 * with nothing but `node:crypto` and none of the code under test.
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

/** A key pair of the curve that Kraken asks for. */
const KRAKEN_KEYS = generateKeyPairSync('ec', {
  namedCurve: 'P-521',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
export const KRAKEN_API = {
  clientId: 'client-of-the-tests',
  privateKey: KRAKEN_KEYS.privateKey,
};

/** What goes wrong instead of an answer. The request is authentic by then. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => void;

export interface VendorApis {
  readonly origin: string;
  /** Bodies of answers, by the vendor's id of the account. */
  readonly kraken: Map<string, object>;
  readonly sumsub: Map<string, object>;
  /** By Sumsub's ID of the action. */
  readonly actions: Map<string, object>;
  readonly paycaddy: Map<string, object>;
  readonly p100: Map<string, object>;
  /** Paths asked for so far, refused ones too. */
  readonly asked: string[];
  /** The most requests under way at once. */
  readonly busiest: () => number;
  /** Each takes the place of one answer, in turn. */
  readonly faults: Fault[];
  /** Takes the place of every answer. */
  setFault(fault: Fault | null): void;
  /** For a gateway that asks here. */
  readonly env: Readonly<Record<string, string>>;
  /** For a gateway that receives webhooks of Kraken and asks here. */
  readonly krakenEnv: Readonly<Record<string, string>>;
}

export async function startVendorApis(disposal: Disposal): Promise<VendorApis> {
  const kraken = new Map<string, object>();
  const sumsub = new Map<string, object>();
  const actions = new Map<string, object>();
  const paycaddy = new Map<string, object>();
  const p100 = new Map<string, object>();
  const asked: string[] = [];
  const faults: Fault[] = [];
  let lasting: Fault | null = null;
  let busy = 0;
  let busiest = 0;

  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    busy += 1;
    busiest = Math.max(busiest, busy);
    response.once('close', () => {
      busy -= 1;
    });
    const route = ROUTES.find(({ path }) => path.test(request.url ?? ''));
    const [, id = ''] = route?.path.exec(request.url ?? '') ?? [];
    if (route === undefined || request.method !== 'GET') return send(response, 404, {});
    const refusal = route.refuse(request);
    if (refusal !== undefined) return send(response, refusal[0], refusal[1]);
    const fault = faults.shift() ?? lasting;
    if (fault !== null) return fault(request, response);
    const body = { kraken, sumsub, actions, paycaddy, p100 }[route.vendor].get(
      decodeURIComponent(id),
    );
    if (body === undefined) return send(response, ...route.unknown);
    // A turn later, as anybody who looks something up.
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
    asked,
    faults,
    busiest: () => busiest,
    setFault(fault) {
      lasting = fault;
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
  readonly vendor: 'kraken' | 'sumsub' | 'actions' | 'paycaddy' | 'p100';
  readonly path: RegExp;
  readonly refuse: (request: IncomingMessage) => readonly [number, object | string] | undefined;
  readonly unknown: readonly [number, object];
}

const ROUTES: readonly Route[] = [
  {
    vendor: 'kraken',
    path: /^\/public\/kyc\/([^/?]+)\/status$/,
    refuse: refuseKraken,
    unknown: [404, { message: 'not found' }],
  },
  {
    vendor: 'sumsub',
    path: /^\/resources\/applicants\/([^/?]+)\/status$/,
    refuse: refuseSumsub,
    unknown: [404, { code: 404, description: 'Applicant not found' }],
  },
  {
    vendor: 'actions',
    path: /^\/resources\/applicantActions\/([^/?]+)\/one$/,
    refuse: refuseSumsub,
    unknown: [404, { code: 404, description: 'Applicant action not found' }],
  },
  {
    vendor: 'paycaddy',
    path: /^\/v2\/endUsers\/([^/?]+)$/,
    refuse: ({ headers }) =>
      headers['x-api-key'] === PAYCADDY_KEY ? undefined : [401, { title: 'Unauthorized' }],
    unknown: [404, { title: 'Not Found', status: 404 }],
  },
  {
    vendor: 'p100',
    path: /^\/v1\/kyc\/status\/([^/?]+)$/,
    refuse({ headers }) {
      if (headers['x-api-key'] === undefined) return [401, 'Access Denied. xo1'];
      return headers['x-api-key'] === P100_KEY ? undefined : [401, 'Access Denied. xo2'];
    },
    unknown: [400, { code: 'P412', message: 'no such user' }],
  },
];

function refuseSumsub({ headers, method, url }: IncomingMessage): ReturnType<Route['refuse']> {
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
  const off = Math.abs(Date.now() / 1000 - Number(time));
  return off <= 60 ? undefined : [401, { code: 401, description: 'Timestamp is off' }];
}

function refuseKraken({ headers }: IncomingMessage): ReturnType<Route['refuse']> {
  const [, head = '', claims = '', signature = ''] =
    /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(headers.authorization ?? '') ?? [];
  const genuine = verify(
    'sha512',
    Buffer.from(`${head}.${claims}`),
    { key: KRAKEN_KEYS.publicKey, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
  if (!genuine) return [401, { message: 'invalid token' }];
  const { alg } = JSON.parse(Buffer.from(head, 'base64url').toString());
  const { api, clientId, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  const now = Date.now() / 1000;
  const fresh = exp > now && exp <= now + 600 && exp - iat <= 600;
  const ours = alg === 'ES512' && api === true && clientId === KRAKEN_API.clientId;
  return fresh && ours ? undefined : [403, { message: 'forbidden' }];
}

function send(response: ServerResponse, status: number, body: object | string): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json' }).end(text);
}

// ── Faults ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export function answers(status: number, headers: Record<string, string> = {}, body = ''): Fault {
  return (_request, response) => response.writeHead(status, headers).end(body);
}

/** Takes the request and never answers. */
export const hangs: Fault = () => {};

/** Begins an answer and never ends it. */
export const trickles: Fault = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).write('{"reviewStatus":');
};

/** Ends before it has sent what it announced. */
export const breaksOff: Fault = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"reviewStatus":', () => response.destroy());
};

export const hangsUp: Fault = (request) => request.socket.destroy();

/** Never stops talking. */
export const floods: Fault = (_request, response) => {
  const chunk = Buffer.alloc(64 * 1024, ' ');
  response.writeHead(200, { 'content-type': 'application/json' });
  const pour = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', pour);
  pour();
};
