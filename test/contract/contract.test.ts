/** Contract suite that every provider passes. */

import fc from 'fast-check';
import {
  PayloadError,
  SignatureError,
  UnknownTypeError,
  UnmappedStatusError,
} from '../../src/domain/errors';
import type { VerificationEvent } from '../../src/domain/event';
import type { SignedRequest } from '../support/sign';
import {
  type JsonObject,
  PROVIDER_SPECS,
  setValueAt,
  type UnknownMessage,
  withChanges,
} from './provider-specs';
import { catchError, parseMessage, receive, toWebhookRequest } from './receive';

const SECRET = 'a-secret-shared-with-the-provider';
const OLD_SECRET = 'the-secret-that-was-shared-before';
/** Text that is not a timestamp, default values of programming languages, and times out of range. */
const UNREADABLE_TIMES = [
  'yesterday',
  ' ',
  '2020-02-30 00:00:00.000',
  '2020-02-21',
  '13:23:19',
  '2020-02-21 13:23:19.0010000000001',
  '2020-02-21T13:23:19+25:00',
  '0001-01-01 00:00:00.000',
  '1970-01-01 00:00:00.000',
  '+012020-02-21T13:23:19Z',
  '1582291399001',
  1_582_291_399_001,
  true,
  ['2020-02-21 13:23:19.001'],
];

const CANONICAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/;

describe.each(PROVIDER_SPECS)('$name', (spec) => {
  const provider = spec.create(SECRET);
  const sign = (body: Buffer | string | object) => spec.sign(body, SECRET);
  const sample = sign(spec.sample);
  const verify = (request: SignedRequest) => () => provider.verify(toWebhookRequest(request));

  describe('verify', () => {
    it('accepts a valid request', () => {
      const { trust } = provider.verify(toWebhookRequest(sample));

      expect(trust).toBe(spec.signed ? 'SIGNED' : 'TOKEN');
    });

    it('returns no secret', () => {
      expect(JSON.stringify(provider.verify(toWebhookRequest(sample)))).not.toContain(SECRET);
    });

    it('rejects a request without a signature or token', () => {
      const bare = { ...sample, path: `/webhooks/${spec.id}`, headers: {} };

      expect(verify(bare)).toThrow(SignatureError);
    });

    it('rejects an empty signature or token', () => {
      const headers = Object.fromEntries(Object.keys(sample.headers).map((name) => [name, '']));

      expect(verify({ ...sample, path: `/webhooks/${spec.id}/`, headers })).toThrow(SignatureError);
    });

    it('rejects a wrong secret', () => {
      expect(verify(spec.sign(spec.sample, `${SECRET}x`))).toThrow(SignatureError);
      expect(verify(spec.sign(spec.sample, SECRET.slice(0, -1)))).toThrow(SignatureError);
    });

    it('accepts every configured secret during a rotation', () => {
      const rotating = spec.create(SECRET, OLD_SECRET);

      for (const secret of [SECRET, OLD_SECRET]) {
        const request = toWebhookRequest(spec.sign(spec.sample, secret));
        expect(() => rotating.verify(request)).not.toThrow();
      }
    });

    it('verifies a token before the body is read, and a signature only after it', () => {
      const requests = [
        sample,
        { ...sample, path: `/webhooks/${spec.id}`, headers: {} },
        spec.sign(spec.sample, OLD_SECRET),
      ].map(toWebhookRequest);

      expect(provider.verifyHead !== undefined).toBe(!spec.signed);
      if (provider.verifyHead === undefined) return;
      for (const request of requests) {
        const { headers, subpath } = request;
        const verifyHead = () => provider.verifyHead?.({ headers, subpath });
        expect(catchReason(verifyHead)).toBe(catchReason(() => provider.verify(request)));
      }
      expect(requests.map((request) => catchReason(() => provider.verify(request)))).toEqual([
        null,
        'TOKEN_MISSING',
        'TOKEN_WRONG',
      ]);
    });

    it('rejects a secret that is no longer configured', () => {
      expect(verify(spec.sign(spec.sample, OLD_SECRET))).toThrow(SignatureError);
    });

    it.each([
      ['lower', (name: string) => name.toLowerCase()],
      ['upper', (name: string) => name.toUpperCase()],
      ['mixed', (name: string) => name.replace(/[a-z]/gi, (c, i) => (i % 2 ? c.toUpperCase() : c))],
    ])('accepts header names in %s case', (_case, rename) => {
      const headers = Object.fromEntries(
        Object.entries(sample.headers).map(([name, value]) => [rename(name), value]),
      );

      expect(verify({ ...sample, headers })).not.toThrow();
    });

    it('rejects any other header value with a signature error', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (value) => {
          const headers = Object.fromEntries(
            Object.keys(sample.headers).map((name) => [name, value]),
          );
          const forged = { ...sample, path: `/webhooks/${spec.id}`, headers };
          expect(catchError(verify(forged))).toBeInstanceOf(SignatureError);
        }),
      );
    });

    it('throws an error without the secret and without the received value', () => {
      const error = catchError(verify(spec.sign(spec.sample, 'an-attempted-secret')));

      expect(error.code).toBe('SIGNATURE_INVALID');
      expect(error.message).not.toContain('an-attempted-secret');
      expect(error.message).not.toContain(SECRET);
    });

    if (!spec.signed) return; // the following tests require a signature over the body

    it('rejects a body with any single bit changed', () => {
      for (let index = 0; index < sample.body.length; index++) {
        const body = Buffer.from(sample.body);
        body.writeUInt8(body.readUInt8(index) ^ 1, index);
        expect(verify({ ...sample, body })).toThrow(SignatureError);
      }
    });

    it('rejects the same JSON with different whitespace', () => {
      const body = Buffer.from(JSON.stringify(spec.sample, null, 2));

      expect(verify({ ...sample, body })).toThrow(SignatureError);
    });

    it('accepts a signed body that is not JSON', () => {
      expect(verify(sign('my-payload'))).not.toThrow();
      expect(verify(sign(''))).not.toThrow();
      expect(verify(sign(Buffer.from([0xff, 0x00, 0xfe])))).not.toThrow();
    });
  });

  describe('parse and normalize', () => {
    it.each(spec.documented)('converts %j', (change, expected) => {
      const outcome = receive(provider, sign(withChanges(spec.sample, change)));

      expect('events' in outcome ? outcome.events.map(summarize) : []).toEqual(expected);
      expect('quarantined' in outcome).toBe(false);
    });

    it.each(spec.required)('names a missing %s in the error', (path) => {
      expect(catchPath(setValueAt(spec.sample, path, undefined))).toBe(path);
    });

    it.each(spec.required)('treats null as a missing %s', (path) => {
      expect(catchPath(setValueAt(spec.sample, path, null))).toBe(path);
    });

    it.each([...spec.required, ...spec.optional])(
      'names %s in the error if its type is wrong',
      (path) => {
        expect(catchPath(setValueAt(spec.sample, path, { nested: [true] }))).toBe(path);
      },
    );

    // Loops, because `it.each` requires at least one row and some providers have none.
    for (const path of spec.optional) {
      it(`accepts a missing ${path}`, () => {
        for (const absent of [undefined, null, '']) {
          const outcome = receive(provider, sign(setValueAt(spec.sample, path, absent)));
          expect(outcome).toHaveProperty('events');
        }
      });
    }

    for (const [change, path] of spec.unmapped) {
      it(`rejects the unknown status in ${JSON.stringify(change)}`, () => {
        const { payload } = parseMessage(provider, sign(withChanges(spec.sample, change)));
        const error = catchError(() => provider.normalize(payload));

        expect(error).toBeInstanceOf(UnmappedStatusError);
        expect(error).toHaveProperty('path', path);
      });
    }

    for (const message of spec.unknownTypes) {
      it(`quarantines a message of an unknown type: ${JSON.stringify(message)}`, () => {
        const request = unknownRequest(message);
        const error = catchError(() => parseMessage(provider, request));

        expect(error).toBeInstanceOf(UnknownTypeError);
        expect(receive(provider, request)).toHaveProperty('quarantined.code', 'TYPE_UNKNOWN');
      });
    }

    for (const [index, path] of spec.timestamps.entries()) {
      it.each(UNREADABLE_TIMES)(
        `quarantines an approval with the unreadable ${path} %j`,
        (time) => {
          for (const other of ['2020-02-21T13:23:20Z', '', undefined]) {
            const body = spec.timestamps.reduce(
              (rest, field, position) => setValueAt(rest, field, position === index ? time : other),
              withChanges(spec.sample, spec.approval),
            );
            // The first timestamp has precedence even if it is unreadable and the second one is readable.
            if (index > 0 && other !== '' && other !== undefined) continue;
            expect(receive(provider, sign(body))).toHaveProperty(
              'quarantined.code',
              'PAYLOAD_INVALID',
            );
          }
        },
      );
    }

    it('approves with the message of the timestamp tests if the timestamp is readable', () => {
      const outcome = receive(provider, sign(withChanges(spec.sample, spec.approval)));

      expect('events' in outcome ? outcome.events[0] : undefined).toHaveProperty(
        'status',
        'APPROVED',
      );
    });

    it.each([
      ['not JSON', 'my-payload'],
      ['empty', ''],
      ['an array', '[]'],
      ['a number', '12'],
      ['null', 'null'],
      ['JSON followed by text', '{}{}'],
      ['invalid UTF-8', Buffer.from('{"type":"\xff"}', 'latin1')],
      ['unclosed brackets', '['.repeat(1_000_000)],
      ['a megabyte of nested objects', `${'{"a":'.repeat(170_000)}1${'}'.repeat(170_000)}`],
    ])('names the body in the error if it is %s', (_what, body) => {
      const error = catchError(() => parseMessage(provider, sign(body)));

      expect(error).toBeInstanceOf(PayloadError);
      expect(error).toHaveProperty('path', 'body');
    });

    it('rejects a repeated key with different values', () => {
      const [key = ''] = Object.keys(spec.sample);
      const body = JSON.stringify(spec.sample).replace('{', `{${JSON.stringify(key)}:"other",`);

      expect(catchError(() => parseMessage(provider, sign(body)))).toHaveProperty('path', 'body');
    });

    it('returns equal duplicate keys for duplicates', () => {
      const [first, second] = [parseMessage(provider, sample), parseMessage(provider, sample)];

      expect(first.duplicateKey).toEqual(second.duplicateKey);
      expect(first.duplicateKey.length).toBeGreaterThan(1);
    });

    it('returns timestamps in the canonical format or none', () => {
      const outcome = receive(provider, sample);
      const events = 'events' in outcome ? outcome.events : [];

      expect(events).not.toHaveLength(0);
      for (const { occurredAt } of events) {
        if (occurredAt !== undefined) expect(occurredAt).toMatch(CANONICAL);
      }
    });

    it('ignores unknown fields', () => {
      const extended = { ...spec.sample, somethingNew: { nested: [1, 'two', null] } };

      expect(receive(provider, sign(extended))).toEqual(receive(provider, sample));
    });
  });

  describe('with arbitrary authentic input', () => {
    const anyBody = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    );

    it('returns events or a known error for any body', () => {
      fc.assert(
        fc.property(anyBody, (body) => assertHandled(body)),
        { numRuns: 500 },
      );
    });

    /** The sample with some values replaced. It covers more of the adapter than arbitrary input. */
    const paths = [...spec.required, ...spec.optional];
    const nearMiss = fc
      .array(fc.tuple(fc.constantFrom(...paths), fc.jsonValue()), { minLength: 1, maxLength: 3 })
      .map((changes) =>
        changes.reduce<JsonObject>(
          (body, [path, value]) => setValueAt(body, path, JSON.parse(JSON.stringify(value))),
          spec.sample,
        ),
      );

    it('returns events or a known error for a message with replaced values', () => {
      fc.assert(
        fc.property(nearMiss, (body) => assertHandled(body)),
        { numRuns: 500 },
      );
    });

    /** `receive` rethrows all errors except those that an authentic message may cause. */
    function assertHandled(body: Buffer | string | object): void {
      const outcome = receive(provider, sign(body));
      if ('quarantined' in outcome) return;
      for (const part of outcome.duplicateKey) expect(typeof part).toBe('string');
      expect(outcome.eventType).not.toBe('');
      if ('ignored' in outcome) expect(spec.untracked).toContain(outcome.eventType);
      const events = 'events' in outcome ? outcome.events : [];
      for (const event of events) {
        expect(event.subjectRef.length).toBeGreaterThan(0);
        expect(event.subjectRef.length).toBeLessThanOrEqual(512);
        if (event.occurredAt !== undefined) expect(event.occurredAt).toMatch(CANONICAL);
        else expect(provider.dated).toBe(false);
      }
    }
  });

  function unknownRequest(message: UnknownMessage): SignedRequest {
    if ('change' in message) return sign(withChanges(spec.sample, message.change));
    return { ...sample, path: `/webhooks/${spec.id}/${message.subpath}` };
  }

  function catchPath(body: JsonObject): string {
    const error = catchError(() => parseMessage(provider, sign(body)));
    expect(error).toBeInstanceOf(PayloadError);
    return error instanceof PayloadError ? error.path : '';
  }
});

/** Formats an event, for example `STATUS APPROVED`, `ACCOUNT DELETED`, `PROFILE` or, for P100, `STATUS PENDING VERIFIED`. */
function summarize(event: VerificationEvent): string {
  const words = [
    event.type,
    'status' in event ? event.status : undefined,
    'levelStatus' in event ? event.levelStatus : undefined,
    'state' in event ? event.state : undefined,
  ];
  return words.filter((word) => word !== undefined).join(' ');
}

function catchReason(verify: () => unknown): string | null {
  try {
    verify();
    return null;
  } catch (error) {
    if (error instanceof SignatureError) return error.reason;
    throw error;
  }
}
