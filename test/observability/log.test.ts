/** Content and redaction of log lines. */

import { ConfigError, GatewayError, PayloadError } from '../../src/domain/errors';
import { findPersonalFieldNames } from '../../src/graphql/request/personal';
import { createSchema } from '../../src/graphql/schema';
import { createLogger, type Logger, type LoggerOptions } from '../../src/observability/log';
import { PROVIDERS } from '../../src/providers/registry';

const PERSONAL = findPersonalFieldNames(createSchema(PROVIDERS));

function capture(options: Partial<LoggerOptions> = {}): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const usual = { level: 'info', pretty: false, personal: PERSONAL, destination } as const;
  return { log: createLogger({ ...usual, ...options }), lines };
}

function logged(write: (log: Logger) => void): Record<string, unknown> {
  const { log, lines } = capture();
  write(log);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '');
}

describe('a line', () => {
  it('is one JSON object with a level in words and a time in UTC', () => {
    expect(logged((log) => log.warn({ provider: 'sumsub', count: 3 }, 'kept'))).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      pid: process.pid,
      provider: 'sumsub',
      count: 3,
      msg: 'kept',
    });
  });

  it('is readable text if `pretty` is set', () => {
    const { log, lines } = capture({ pretty: true });
    log.info({ provider: 'sumsub', token: 'S3CR3T' }, 'kept');
    expect(lines.join('')).toMatch(/INFO.*kept/s);
    expect(lines.join('')).toContain('sumsub');
    expect(lines.join('')).not.toContain('S3CR3T');
  });

  it('is not written below the level', () => {
    const { log, lines } = capture({ level: 'error' });
    log.warn('quiet');
    expect(lines).toEqual([]);
  });
});

describe('secrets and personal data', () => {
  it.each([
    'authorization',
    'Authorization',
    'cookie',
    'secret',
    'secrets',
    'token',
    'access_token',
    'accessToken',
    'apiKey',
    'api-key',
    'X-Api-Key',
    'X-Fractal-Signature',
    'x-payload-digest',
    'connectionParams',
    'rawBody',
    'body',
    'payload',
    'email',
    'fullName',
    'full_name',
    'age',
    'profile',
    'password',
    'dataKeys',
    'parameters',
    'variables',
    'subpath',
  ])('under %s are not written, at any depth', (name) => {
    const value = 'S3CR3T';
    for (const record of [
      { [name]: value },
      { request: { headers: { [name]: value } } },
      { list: [{ a: { b: { c: { [name]: [value] } } } }] },
      { map: new Map([[name, value]]) },
    ]) {
      expect(JSON.stringify(logged((log) => log.info(record, 'x')))).not.toContain(value);
    }
  });

  it('are not written by a child logger either', () => {
    const line = logged((log) => log.child({ token: 'S3CR3T', connection: 7 }).info('x'));
    expect(line).toMatchObject({ token: '[redacted]', connection: 7 });
  });

  it('are not written as bytes', () => {
    const line = logged((log) => log.info({ data: Buffer.from('S3CR3T') }, 'x'));
    expect(line.data).toBe('[6 bytes]');
  });

  it('are cut off the path of a webhook and out of a query', () => {
    const line = logged((log) =>
      log.info(
        { url: '/webhooks/paycaddy/S3CR3T', request: { path: '/graphql?query=S3CR3T' } },
        'x',
      ),
    );
    expect(line).toMatchObject({
      url: '/webhooks/paycaddy/…',
      request: { path: '/graphql?…' },
    });
  });

  it('leave the rest as it is', () => {
    const rest = { provider: 'p100', deliveryId: 7, ok: true, at: new Date(0), none: null };
    expect(logged((log) => log.info(rest, 'x'))).toMatchObject({
      ...rest,
      at: '1970-01-01T00:00:00.000Z',
    });
  });

  it('are redacted in cyclic objects', () => {
    const loop: Record<string, unknown> = { name: 'loop' };
    loop.self = loop;
    expect(JSON.stringify(logged((log) => log.info({ loop }, 'x')))).toContain('[too deep]');
  });
});

describe('an error', () => {
  it('keeps its name, code, message, frames and cause', () => {
    const cause = new PayloadError('data.timestamp', 'a time');
    const error = new GatewayError('INTERNAL', 'something broke', { cause });
    expect(logged((log) => log.error({ err: error }, 'x')).err).toEqual({
      type: 'GatewayError',
      code: 'INTERNAL',
      message: 'something broke',
      stack: expect.stringMatching(/^\s+at .*log\.test\.ts/),
      cause: {
        type: 'PayloadError',
        code: 'PAYLOAD_INVALID',
        message: '`data.timestamp` must be a time.',
        stack: expect.stringMatching(/^\s+at /),
      },
    });
  });

  it('provides the message of the line if there is no other', () => {
    const error = new ConfigError(['PORT: expected a number']);
    expect(logged((log) => log.error(error)).msg).toBe('PORT: expected a number');
    expect(logged((log) => log.error({ err: error })).msg).toBe('PORT: expected a number');
    expect(logged((log) => log.error({ err: error }, 'start failed')).msg).toBe('start failed');
  });

  it('is readable under any name', () => {
    const line = logged((log) => log.error({ reason: new Error('broke') }, 'x'));
    expect(line.reason).toMatchObject({ type: 'Error', message: 'broke' });
  });

  it('of a timeout keeps its name', () => {
    const line = logged((log) =>
      log.error({ err: new DOMException('too late', 'TimeoutError') }, 'x'),
    );
    expect(line.err).toMatchObject({ type: 'TimeoutError', message: 'too late' });
  });

  it('of a library loses properties that contain the request', () => {
    const error = Object.assign(new Error('UNIQUE constraint failed: users.external_id'), {
      code: 'SQLITE_CONSTRAINT',
      query: 'INSERT … S3CR3T',
      parameters: ['S3CR3T'],
      driverError: { body: 'S3CR3T' },
    });
    const line = logged((log) => log.error(error));
    expect(line.err).toMatchObject({ code: 'SQLITE_CONSTRAINT' });
    expect(JSON.stringify(line)).not.toContain('S3CR3T');
  });

  it('of a parser does not quote what it could not read', () => {
    const line = logged((log) => log.error(parseError('{"fullName": S3CR3T}')));
    expect(JSON.stringify(line)).not.toContain('S3CR3T');
    expect(line.msg).toBe('text that cannot be parsed');
    expect(line.err).toMatchObject({ type: 'SyntaxError', stack: expect.stringContaining('at ') });
  });

  it('of several addresses of one host keeps what each answered', () => {
    const refused = ['::1', '127.0.0.1'].map((at) => new Error(`connect ECONNREFUSED ${at}:1`));
    const err = Object.assign(new AggregateError(refused), { code: 'ECONNREFUSED' });
    expect(logged((log) => log.warn({ err }, 'away'))).toMatchObject({
      err: {
        code: 'ECONNREFUSED',
        message: 'connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1',
      },
    });
  });

  it('of a parser does not quote it as a cause either', () => {
    const error = new PayloadError('body', 'JSON', { cause: parseError('S3CR3T') });
    expect(JSON.stringify(logged((log) => log.error({ err: error }, 'x')))).not.toContain('S3CR3T');
  });

  it('of Node does not show the argument', () => {
    const error = new TypeError('The "data" argument must be of type string. Received S3CR3T');
    expect(JSON.stringify(logged((log) => log.error(error)))).not.toContain('S3CR3T');
  });
});

function parseError(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    expect(String(error)).toContain('S3CR3T'); // else these tests could not fail
    return error;
  }
}
