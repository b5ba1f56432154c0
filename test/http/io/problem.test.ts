import {
  ERROR_CODES,
  GatewayError,
  SignatureError,
  StoreUnavailableError,
} from '../../../src/domain/errors';
import { SlowBodyError } from '../../../src/http/io/body-reader';
import { toProblem } from '../../../src/http/io/problem';
import { createRecordedLog, silentLog } from '../../support/logs';

const answer = (error: unknown) => {
  const { body, ...reply } = toProblem(error, silentLog);
  return { ...reply, ...JSON.parse(body) };
};

describe('an error as an HTTP answer', () => {
  it.each(ERROR_CODES.map((code) => [code]))('%s has a status that is an error', (code) => {
    const { status, error } = answer(new GatewayError(code, 'what was expected'));
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
  ] as const)('%s is answered %i', (code, status) => {
    expect(answer(new GatewayError(code, 'x')).status).toBe(status);
  });

  it('does not tell an unproven caller what was wrong with the proof', () => {
    const { error } = answer(
      new SignatureError('NO_MATCHING_SECRET', 'expected sha1=… of 40 digits'),
    );
    expect(error.message).not.toContain('sha1');
  });

  it('asks to come back when the store is away', () => {
    expect(answer(new StoreUnavailableError()).headers).toHaveProperty('retry-after');
  });

  it('says how to authenticate', () => {
    expect(answer(new GatewayError('UNAUTHENTICATED', 'x')).headers).toEqual({
      'www-authenticate': 'Bearer',
    });
  });

  it('calls a sender that stopped by its name', () => {
    expect(answer(new SlowBodyError()).status).toBe(408);
  });

  it('shows nothing of an error that nobody named, except the id under which it is logged', () => {
    const { log, lines } = createRecordedLog();
    const { status, body } = toProblem(new TypeError('the passport number is 123'), log);
    expect(status).toBe(500);
    expect(body).not.toContain('passport');
    expect(JSON.parse(body).error.code).toBe('INTERNAL');
    expect(lines).toContainEqual(expect.objectContaining({ id: JSON.parse(body).error.id }));
  });
});
