/** The suite that every vendor runs. */

import fc from 'fast-check';
import {
  PayloadError,
  SignatureError,
  UnknownTypeError,
  UnmappedStatusError,
} from '../../src/domain/errors';
import type { VerificationEvent } from '../../src/domain/event';
import type { VendorRequest } from '../support/sign';
import { errorOf, messageOf, receive, toWebhookRequest } from './receive';
import { changed, type JsonObject, SUBJECTS, type UnknownMessage, withValueAt } from './subjects';

const SECRET = 'a-secret-shared-with-the-vendor';
const OLD_SECRET = 'the-secret-that-was-shared-before';
/** No moment at all, a default value of some language, or one beyond what can be stored. */
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

describe.each(SUBJECTS)('$name', (vendor) => {
  const provider = vendor.create(SECRET);
  const sign = (body: Buffer | string | object) => vendor.sign(body, SECRET);
  const sample = sign(vendor.sample);
  const verify = (request: VendorRequest) => () => provider.verify(toWebhookRequest(request));

  describe('asked who sent it', () => {
    it('accepts a proven request', () => {
      const { trust } = provider.verify(toWebhookRequest(sample));

      expect(trust).toBe(vendor.signed ? 'SIGNED' : 'TOKEN');
    });

    it('keeps no secret in the proof', () => {
      expect(JSON.stringify(provider.verify(toWebhookRequest(sample)))).not.toContain(SECRET);
    });

    it('rejects a request without a proof', () => {
      const bare = { ...sample, path: `/webhooks/${vendor.id}`, headers: {} };

      expect(verify(bare)).toThrow(SignatureError);
    });

    it('rejects a proof that is empty', () => {
      const headers = Object.fromEntries(Object.keys(sample.headers).map((name) => [name, '']));

      expect(verify({ ...sample, path: `/webhooks/${vendor.id}/`, headers })).toThrow(
        SignatureError,
      );
    });

    it('rejects a wrong secret', () => {
      expect(verify(vendor.sign(vendor.sample, `${SECRET}x`))).toThrow(SignatureError);
      expect(verify(vendor.sign(vendor.sample, SECRET.slice(0, -1)))).toThrow(SignatureError);
    });

    it('accepts every secret while they are being exchanged', () => {
      const rotating = vendor.create(SECRET, OLD_SECRET);

      for (const secret of [SECRET, OLD_SECRET]) {
        const request = toWebhookRequest(vendor.sign(vendor.sample, secret));
        expect(() => rotating.verify(request)).not.toThrow();
      }
    });

    it('verifies a token without the body, and a signature only with it', () => {
      const requests = [
        sample,
        { ...sample, path: `/webhooks/${vendor.id}`, headers: {} },
        vendor.sign(vendor.sample, OLD_SECRET),
      ].map(toWebhookRequest);

      expect(provider.verifyHead !== undefined).toBe(!vendor.signed);
      if (provider.verifyHead === undefined) return;
      for (const request of requests) {
        const { headers, subpath } = request;
        const verifyHead = () => provider.verifyHead?.({ headers, subpath });
        expect(refusalOf(verifyHead)).toBe(refusalOf(() => provider.verify(request)));
      }
      expect(requests.map((request) => refusalOf(() => provider.verify(request)))).toEqual([
        null,
        'TOKEN_MISSING',
        'TOKEN_WRONG',
      ]);
    });

    it('rejects a secret that is no longer configured', () => {
      expect(verify(vendor.sign(vendor.sample, OLD_SECRET))).toThrow(SignatureError);
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

    it('answers any header value with acceptance or a signature error', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (value) => {
          const headers = Object.fromEntries(
            Object.keys(sample.headers).map((name) => [name, value]),
          );
          const forged = { ...sample, path: `/webhooks/${vendor.id}`, headers };
          expect(errorOf(verify(forged))).toBeInstanceOf(SignatureError);
        }),
      );
    });

    it('says nothing of the secret or the value shown when it refuses', () => {
      const error = errorOf(verify(vendor.sign(vendor.sample, 'what-somebody-tried')));

      expect(error.code).toBe('SIGNATURE_INVALID');
      expect(error.message).not.toContain('what-somebody-tried');
      expect(error.message).not.toContain(SECRET);
    });

    if (!vendor.signed) return; // what follows is about proofs that cover the body

    it('rejects a body with one bit changed, whichever it is', () => {
      for (let index = 0; index < sample.body.length; index++) {
        const body = Buffer.from(sample.body);
        body.writeUInt8(body.readUInt8(index) ^ 1, index);
        expect(verify({ ...sample, body })).toThrow(SignatureError);
      }
    });

    it('rejects the same JSON in other bytes', () => {
      const body = Buffer.from(JSON.stringify(vendor.sample, null, 2));

      expect(verify({ ...sample, body })).toThrow(SignatureError);
    });

    it('accepts a signed body that is not JSON: the proof comes before the content', () => {
      expect(verify(sign('my-payload'))).not.toThrow();
      expect(verify(sign(''))).not.toThrow();
      expect(verify(sign(Buffer.from([0xff, 0x00, 0xfe])))).not.toThrow();
    });
  });

  describe('asked what it says', () => {
    it.each(vendor.documented)('reads %j', (change, expected) => {
      const outcome = receive(provider, sign(changed(vendor.sample, change)));

      expect('events' in outcome ? outcome.events.map(summary) : []).toEqual(expected);
      expect('quarantined' in outcome).toBe(false);
    });

    it.each(vendor.required)('names %s when it is missing', (path) => {
      expect(faultOf(withValueAt(vendor.sample, path, undefined))).toBe(path);
    });

    it.each(vendor.required)('takes null at %s for missing', (path) => {
      expect(faultOf(withValueAt(vendor.sample, path, null))).toBe(path);
    });

    it.each([...vendor.required, ...vendor.optional])(
      'names %s when it is of another type',
      (path) => {
        expect(faultOf(withValueAt(vendor.sample, path, { nested: [true] }))).toBe(path);
      },
    );

    // Loops, for `it.each` wants at least one row and not every vendor has one.
    for (const path of vendor.optional) {
      it(`does without ${path}`, () => {
        for (const absent of [undefined, null, '']) {
          const outcome = receive(provider, sign(withValueAt(vendor.sample, path, absent)));
          expect(outcome).toHaveProperty('events');
        }
      });
    }

    for (const [change, path] of vendor.unmapped) {
      it(`does not guess what ${JSON.stringify(change)} means`, () => {
        const { payload } = messageOf(provider, sign(changed(vendor.sample, change)));
        const error = errorOf(() => provider.normalize(payload));

        expect(error).toBeInstanceOf(UnmappedStatusError);
        expect(error).toHaveProperty('path', path);
      });
    }

    for (const message of vendor.ofUnknownType) {
      it(`quarantines a message of an unknown type: ${JSON.stringify(message)}`, () => {
        const request = unknownRequest(message);
        const error = errorOf(() => messageOf(provider, request));

        expect(error).toBeInstanceOf(UnknownTypeError);
        expect(receive(provider, request)).toHaveProperty('quarantined.code', 'TYPE_UNKNOWN');
      });
    }

    for (const [index, path] of vendor.clocks.entries()) {
      it.each(UNREADABLE_TIMES)(`approves no one at ${path}: %j`, (time) => {
        for (const other of ['2020-02-21T13:23:20Z', '', undefined]) {
          const body = vendor.clocks.reduce(
            (rest, clock, place) => withValueAt(rest, clock, place === index ? time : other),
            changed(vendor.sample, vendor.approval),
          );
          // A time that is read first decides, a readable one after it does not replace it.
          if (index > 0 && other !== '' && other !== undefined) continue;
          expect(receive(provider, sign(body))).toHaveProperty(
            'quarantined.code',
            'PAYLOAD_INVALID',
          );
        }
      });
    }

    it('approves someone by the message that is used to check unreadable times', () => {
      const outcome = receive(provider, sign(changed(vendor.sample, vendor.approval)));

      expect('events' in outcome ? outcome.events[0] : undefined).toHaveProperty(
        'status',
        'APPROVED',
      );
    });

    it.each([
      ['no JSON', 'my-payload'],
      ['nothing', ''],
      ['an array', '[]'],
      ['a number', '12'],
      ['null', 'null'],
      ['JSON with something behind it', '{}{}'],
      ['bytes that are no UTF-8', Buffer.from('{"type":"\xff"}', 'latin1')],
      ['brackets without end', '['.repeat(1_000_000)],
      ['a megabyte of nested objects', `${'{"a":'.repeat(170_000)}1${'}'.repeat(170_000)}`],
    ])('names the body when it is %s', (_what, body) => {
      const error = errorOf(() => messageOf(provider, sign(body)));

      expect(error).toBeInstanceOf(PayloadError);
      expect(error).toHaveProperty('path', 'body');
    });

    it('refuses a key that is given two meanings', () => {
      const [key = ''] = Object.keys(vendor.sample);
      const body = JSON.stringify(vendor.sample).replace('{', `{${JSON.stringify(key)}:"other",`);

      expect(errorOf(() => messageOf(provider, sign(body)))).toHaveProperty('path', 'body');
    });

    it('gives repeats of a message the same duplicate key', () => {
      const [first, second] = [messageOf(provider, sample), messageOf(provider, sample)];

      expect(first.duplicateKey).toEqual(second.duplicateKey);
      expect(first.duplicateKey.length).toBeGreaterThan(1);
    });

    it('dates an event in our spelling, or not at all', () => {
      const outcome = receive(provider, sample);
      const events = 'events' in outcome ? outcome.events : [];

      expect(events).not.toHaveLength(0);
      for (const { occurredAt } of events) {
        if (occurredAt !== undefined) expect(occurredAt).toMatch(CANONICAL);
      }
    });

    it('is not moved by fields that it does not know', () => {
      const grown = { ...vendor.sample, somethingNew: { nested: [1, 'two', null] } };

      expect(receive(provider, sign(grown))).toEqual(receive(provider, sample));
    });
  });

  describe('given anything that is authentic', () => {
    const anyBody = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    );

    it('reads it or says what is wrong with it', () => {
      fc.assert(
        fc.property(anyBody, (body) => assertHandled(body)),
        { numRuns: 500 },
      );
    });

    /** The sample with some of its values exchanged: nearer to the truth, so that more of the adapter runs. */
    const paths = [...vendor.required, ...vendor.optional];
    const nearMiss = fc
      .array(fc.tuple(fc.constantFrom(...paths), fc.jsonValue()), { minLength: 1, maxLength: 3 })
      .map((changes) =>
        changes.reduce<JsonObject>(
          (body, [path, value]) => withValueAt(body, path, JSON.parse(JSON.stringify(value))),
          vendor.sample,
        ),
      );

    it('reads a message with some values exchanged, or says what is wrong with it', () => {
      fc.assert(
        fc.property(nearMiss, (body) => assertHandled(body)),
        { numRuns: 500 },
      );
    });

    /** `receive` lets nothing through but the two faults that an authentic message may have. */
    function assertHandled(body: Buffer | string | object): void {
      const outcome = receive(provider, sign(body));
      if ('quarantined' in outcome) return;
      for (const part of outcome.duplicateKey) expect(typeof part).toBe('string');
      expect(outcome.eventType).not.toBe('');
      if ('ignored' in outcome) expect(vendor.untracked).toContain(outcome.eventType);
      const events = 'events' in outcome ? outcome.events : [];
      for (const event of events) {
        expect(event.subjectRef.length).toBeGreaterThan(0);
        expect(event.subjectRef.length).toBeLessThanOrEqual(512);
        if (event.occurredAt !== undefined) expect(event.occurredAt).toMatch(CANONICAL);
        else expect(provider.dated).toBe(false);
      }
    }
  });

  function unknownRequest(message: UnknownMessage): VendorRequest {
    if ('change' in message) return sign(changed(vendor.sample, message.change));
    return { ...sample, path: `/webhooks/${vendor.id}/${message.subpath}` };
  }

  function faultOf(body: JsonObject): string {
    const error = errorOf(() => messageOf(provider, sign(body)));
    expect(error).toBeInstanceOf(PayloadError);
    return error instanceof PayloadError ? error.path : '';
  }
});

/** `STATUS APPROVED`, `ACCOUNT DELETED`, `PROFILE`; with P100's lasting state, `STATUS PENDING VERIFIED`. */
function summary(event: VerificationEvent): string {
  const words = [
    event.type,
    'status' in event ? event.status : undefined,
    'levelStatus' in event ? event.levelStatus : undefined,
    'state' in event ? event.state : undefined,
  ];
  return words.filter((word) => word !== undefined).join(' ');
}

function refusalOf(verify: () => unknown): string | null {
  try {
    verify();
    return null;
  } catch (error) {
    if (error instanceof SignatureError) return error.reason;
    throw error;
  }
}
