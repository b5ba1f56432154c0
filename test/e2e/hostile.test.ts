/** Authentic messages with hostile content. The gateway stores all of them and approves no user. */

import { p100, paycaddy } from '../store/provider-deliveries';
import { createDisposal } from '../support/disposal';
import type { ProviderName } from '../support/sign';
import { startGateway } from './support/gateway';
import { APPROVALS } from './support/messages';
import { deliveriesOf, verifiedUsers } from './support/state';

const disposal = createDisposal();

const GREEN =
  '"levelName":"basic","createdAtMs":"2024-01-01 00:00:00.000","type":"applicantReviewed",' +
  '"reviewStatus":"completed","reviewResult":{"reviewAnswer":"GREEN"}';

function green(fields: string): string {
  return `{${fields},${GREEN}}`;
}

function sumsubDated(createdAtMs: string): object {
  return { ...APPROVALS.sumsub, applicantId: 'x', createdAtMs };
}

function fractalDated(timestamp: string): object {
  return { type: 'verification_approved', data: { level: 'basic', user_id: 'x', timestamp } };
}

/** Each would approve a user if an adapter read it carelessly. */
const HOSTILE: readonly (readonly [ProviderName, string, Buffer | string | object])[] = [
  ['sumsub', 'an empty body', ''],
  ['sumsub', 'a body that is null', 'null'],
  ['sumsub', 'an array of messages', JSON.stringify([APPROVALS.sumsub])],
  ['sumsub', 'a message in a string', JSON.stringify(JSON.stringify(APPROVALS.sumsub))],
  ['sumsub', 'two messages', JSON.stringify(APPROVALS.sumsub).repeat(2)],
  ['sumsub', 'a message in UTF-16', Buffer.from(JSON.stringify(APPROVALS.sumsub), 'utf16le')],
  ['sumsub', 'a key given twice', green('"applicantId":"x","type":"applicantPending"')],
  [
    'sumsub',
    'a result given twice',
    green('"applicantId":"x"').replace('"GREEN"', '"RED","reviewAnswer":"GREEN"'),
  ],
  ['sumsub', 'fields behind __proto__', `{"__proto__":${green('"applicantId":"x"')}}`],
  [
    'sumsub',
    'a result behind __proto__',
    `${green('"applicantId":"x"').replace('{"reviewAnswer"', '{"__proto__":{"reviewAnswer"')}}`,
  ],
  ['sumsub', 'an id behind constructor', green('"constructor":{"applicantId":"x"}')],
  ['sumsub', 'objects nested too deep', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  [
    'sumsub',
    'arrays nested too deep',
    green(`"applicantId":"x","more":${'['.repeat(200_000)}${']'.repeat(200_000)}`),
  ],
  [
    'sumsub',
    'bytes that are no UTF-8',
    Buffer.concat([
      Buffer.from('{"applicantId":"x'),
      Buffer.from([0xff, 0xc0, 0x80]),
      Buffer.from(`",${GREEN}}`),
    ]),
  ],
  ['sumsub', 'an id of 10,000 characters', green(`"applicantId":"${'x'.repeat(10_000)}"`)],
  [
    'sumsub',
    'an external id of 10,000 characters',
    green(`"applicantId":"x","externalUserId":"${'x'.repeat(10_000)}"`),
  ],
  ['sumsub', 'an id with NUL', green('"applicantId":"x\\u0000y"')],
  ['sumsub', 'an id with half a character', green('"applicantId":"x\\ud800"')],
  ['sumsub', 'an id of nothing but space', green('"applicantId":"  "')],
  ['sumsub', 'an id that is an object', green('"applicantId":{"toString":"x"}')],
  ['sumsub', 'an id that is no integer', green('"applicantId":1e400')],
  ['sumsub', 'an id that is a fraction', green('"applicantId":1.5')],
  [
    'sumsub',
    'an answer that is a list',
    green('"applicantId":"x"').replace('"GREEN"', '["GREEN"]'),
  ],
  ['sumsub', 'an answer in other letters', green('"applicantId":"x"').replace('GREEN', 'green')],
  [
    'sumsub',
    'an answer that names a method',
    green('"applicantId":"x"').replace('GREEN', 'valueOf'),
  ],
  ['sumsub', 'the 30th of February', sumsubDated('2024-02-30 00:00:00.000')],
  ['sumsub', 'the 25th hour', sumsubDated('2024-01-01 25:00:00.000')],
  ['sumsub', 'the year 2099', sumsubDated('2099-01-01 00:00:00.000')],
  ['sumsub', 'the year 275760', sumsubDated('+275760-09-13 00:00:00.000')],
  ['sumsub', 'the year 1', sumsubDated('0001-01-01 00:00:00.000')],
  ['sumsub', 'a date that is a phrase', sumsubDated('tomorrow')],
  ['sumsub', 'a date that is a number', { ...APPROVALS.sumsub, createdAtMs: 1_704_067_200_000 }],
  ['fractal-id', 'the 30th of February', fractalDated('2024-02-30T00:00:00Z')],
  ['fractal-id', 'the year 2099', fractalDated('2099-01-01T00:00:00Z')],
  ['fractal-id', 'a time without a zone', fractalDated('2024-01-01T00:00:00')],
  [
    'fractal-id',
    'a level of 10,000 characters',
    { type: 'verification_approved', data: { level: 'x'.repeat(10_000), user_id: 'x' } },
  ],
  ['fractal-id', 'data that is an array', { type: 'verification_approved', data: ['basic'] }],
  ['fractal-id', 'Kraken’s words', { id: 'x', status: 'approved', note: '' }],
  [
    'paycaddy',
    'the year 2099',
    { ...paycaddy('verified', 'x', 1), timeStamp: '2099-01-01T00:00:00Z' },
  ],
  [
    'paycaddy',
    'a date that does not exist',
    { ...paycaddy('verified', 'x', 1), timeStamp: '2023-02-29T00:00:00Z' },
  ],
  ['paycaddy', 'no date', { metadata: { userId: 'x' }, status: 'verified' }],
  [
    'paycaddy',
    'a user behind __proto__',
    '{"__proto__":{"metadata":{"userId":"x"}},"status":"verified"}',
  ],
  ['paycaddy', 'a status in other letters', { ...paycaddy('VERIFIED', 'x', 1) }],
  ['p100', 'a standing in other letters', p100('x', 'verified')],
  ['p100', 'a standing with a space', p100('x', 'VERIFIED ')],
  ['p100', 'a standing that is a list', { externalUserId: 'x', verificationStatus: ['VERIFIED'] }],
  ['p100', 'an unknown attempt', p100('x', 'VERIFIED', 'toString')],
  ['p100', 'no user', { verificationStatus: 'VERIFIED' }],
  ['p100', 'a user that is a list', { externalUserId: ['x'], verificationStatus: 'VERIFIED' }],
];

describe('stores, without approving a user, an authentic message with', () => {
  it.each(HOSTILE.map(([vendor, what, body]) => ({ vendor, what, body })))(
    '$what, from $vendor',
    async ({ vendor, body }) => {
      const gateway = await startGateway(disposal);

      const { status, kept } = await gateway.post(vendor, body);

      expect(status).toBe(200);
      expect(kept?.disposition).toBe('QUARANTINED');
      expect((await deliveriesOf(gateway)).totalCount).toBe(1);
      expect(await verifiedUsers(gateway)).toEqual([]);
      expect((await gateway.post(vendor, APPROVALS[vendor])).kept?.disposition).toBe('APPLIED');
      expect(await verifiedUsers(gateway)).toEqual(['ada']);
    },
  );

  it('a mistake of ours none of these is', async () => {
    const gateway = await startGateway(disposal);

    for (const [vendor, , body] of HOSTILE) await gateway.post(vendor, body);

    const { data } = await gateway.ask(
      '{ webhookDeliveries(first: 100) { nodes { disposition reason } } }',
    );
    const { nodes } = data.webhookDeliveries;
    const quarantined = nodes.filter(
      ({ disposition }: { disposition: string }) => disposition === 'QUARANTINED',
    );
    expect(quarantined.length).toBeGreaterThan(40);
    // A crash of an adapter would be quarantined with this reason.
    const reasons = quarantined.map(({ reason }: { reason: string }) => reason);
    expect(reasons.filter((reason: string) => reason.includes('by its adapter'))).toEqual([]);
  });
});

describe('ids beyond 2^53', () => {
  it('that differ in the last digit are two users', async () => {
    const gateway = await startGateway(disposal);

    await gateway.post('sumsub', green('"applicantId":1,"externalUserId":9007199254740993'));
    await gateway.post(
      'sumsub',
      green('"applicantId":2,"externalUserId":9007199254740992').replace('GREEN', 'RED'),
    );

    expect(await verifiedUsers(gateway)).toEqual(['9007199254740993']);
    const { data } = await gateway.ask('{ users { nodes { externalUserId } } }');
    expect(data.users.nodes).toHaveLength(2);
  });

  it('of accounts are distinguished, too', async () => {
    const gateway = await startGateway(disposal);
    const event = (id: string, status: string) =>
      JSON.stringify(paycaddy(status, 'ID', 1)).replace('"ID"', id);

    await gateway.post('paycaddy', event('90071992547409930001', 'verified'));
    await gateway.post('paycaddy', event('90071992547409930002', 'rejected'));

    expect(await verifiedUsers(gateway)).toEqual(['90071992547409930001']);
  });
});
