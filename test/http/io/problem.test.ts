import {
  ERROR_CODES,
  GatewayError,
  SignatureError,
  StoreUnavailableError,
} from '../../../src/domain/errors';
import { SlowBodyError } from '../../../src/http/io/body-reader';
import { toProblem } from '../../../src/http/io/problem';
import { createRecordedLog, silentLog } from '../../support/logs';

const respond = (error: unknown) => {
  const { body, ...response } = toProblem(error, silentLog);
  return { ...response, ...JSON.parse(body) };
};

describe('the response to an error', () => {
  it.each(ERROR_CODES.map((code) => [code]))('has an error status for %s', (code) => {
    const { status, error } = respond(new GatewayError(code, 'a message'));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(error.code).toBe(code);
  });

  it.each([
    ['SIGNATURE_INVALID', 401],
    ['UNAUTHENTICATED', 401],
    ['PROVIDER_UNKNOWN', 404],
    ['BODY_TOO_LARGE', 413],
    ['UNSUPPORTED_MEDIA_TYPE', 415],
    ['STORE_UNAVAILABLE', 503],
  ] as const)('maps %s to %i', (code, status) => {
    expect(respond(new GatewayError(code, 'x')).status).toBe(status);
  });

  it('does not reveal why a signature is invalid', () => {
    const { error } = respond(
      new SignatureError('NO_MATCHING_SECRET', 'expected sha1=… of 40 digits'),
    );
    expect(error.message).not.toContain('sha1');
  });

  it('has Retry-After if the database is unavailable', () => {
    expect(respond(new StoreUnavailableError()).headers).toHaveProperty('retry-after');
  });

  it('names the authentication scheme', () => {
    expect(respond(new GatewayError('UNAUTHENTICATED', 'x')).headers).toEqual({
      'www-authenticate': 'Bearer',
    });
  });

  it('is 408 for a sender that stops', () => {
    expect(respond(new SlowBodyError()).status).toBe(408);
  });

  it('reveals only the log ID of an unknown error', () => {
    const { log, lines } = createRecordedLog();
    const { status, body } = toProblem(new TypeError('the passport number is 123'), log);
    expect(status).toBe(500);
    expect(body).not.toContain('passport');
    expect(JSON.parse(body).error.code).toBe('INTERNAL');
    expect(lines).toContainEqual(expect.objectContaining({ id: JSON.parse(body).error.id }));
  });
});
