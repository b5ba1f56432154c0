/** Posts every payload that the providers publish and checks the resulting state. */

import fc from 'fast-check';
import { type Case, caseNames, loadCases, loadState, PROVIDER_NAMES } from '../contract/cases';
import { createDisposal } from '../support/disposal';
import { runCount } from '../support/run-count';
import { type SigningOptions, signedRequest } from '../support/sign';
import { SECRETS, startGateway } from './support/gateway';
import { standingOf, stateOf } from './support/state';

const disposal = createDisposal();

const NOON = new Date('2025-06-01T12:00:00Z');
const CASES: readonly Case[] = PROVIDER_NAMES.flatMap(loadCases);

/** Starts with a fixed clock, so that events without a timestamp have the same date in every run. */
function start() {
  return startGateway(disposal, { clock: () => NOON });
}

describe.each(PROVIDER_NAMES)('%s', (provider) => {
  it.each(loadCases(provider))('$name leads to the pinned state', async ({ name, body }) => {
    const gateway = await start();

    expect((await gateway.post(provider, body)).status).toBe(200);

    expect(await stateOf(gateway)).toEqual(loadState(provider, name));
  });
});

it('has a pinned state for all 38', () => {
  expect(PROVIDER_NAMES.flatMap(caseNames)).toHaveLength(38);
});

describe('another way to show the same proof', () => {
  it.each<[string, Partial<SigningOptions>, Case['provider'], string]>([
    ['in a header', { paycaddySecretIn: 'header' }, 'paycaddy', 'rejected-aml'],
    ['by SHA-512', { sumsubDigest: 'sha512' }, 'sumsub', 'applicant-reviewed-green'],
  ])('%s leads to the same state', async (_, proof, provider, name) => {
    const gateway = await start();

    const { body } = caseOf(provider, name);
    expect((await gateway.post(provider, body, proof)).status).toBe(200);

    expect(await stateOf(gateway)).toEqual(loadState(provider, name));
  });

  it('without the path that P100 appends leads to the same state', async () => {
    const gateway = await start();
    const { body } = caseOf('p100', 'kyc-status-rejected');

    const request = signedRequest('p100', body, { secret: SECRETS.p100 });
    const { status } = await gateway.send({ ...request, path: '/webhooks/p100' });

    expect(status).toBe(200);
    expect(await stateOf(gateway)).toEqual(loadState('p100', 'kyc-status-rejected'));
  });
});

describe('all 38 in one gateway', () => {
  const stops: (() => unknown)[] = [];
  let inOrder: string;

  beforeAll(async () => {
    const gateway = await startGateway(
      { defer: (stop) => stops.push(stop) },
      { clock: () => NOON },
    );
    for (const each of CASES) await gateway.post(each.provider, each.body);
    inOrder = JSON.stringify(await standingOf(gateway));
    for (const stop of stops.reverse()) await stop();
  });
  it('give no user a status without an event for it', () => {
    const { users } = JSON.parse(inOrder);
    const standing = users.map((user: Record<string, unknown>) => [
      user.externalUserId,
      user.verificationStatus,
      user.active,
    ]);

    expect(standing).toEqual([
      ['12672', 'NOT_VERIFIED', true],
      ['bca65c48-df49-4831-a7b2-de7903321581', 'NOT_VERIFIED', true],
      ['externalUserId', 'VERIFIED', true],
      ['id122424234', 'NOT_VERIFIED', true],
      [null, 'NOT_VERIFIED', true],
      [null, 'NOT_VERIFIED', true],
      [null, 'NOT_VERIFIED', true],
      ['pid122424235', 'NOT_VERIFIED', true],
      ['random-4gguvx1oha', 'NOT_VERIFIED', true],
    ]);
  });

  it('end in the same state in every order, with any repeats', async () => {
    await fc.assert(
      fc.asyncProperty(disorder(), async (cases) => {
        const gateway = await start();
        for (const { provider, body } of cases) {
          expect((await gateway.post(provider, body)).status).toBe(200);
        }
        expect(JSON.stringify(await standingOf(gateway))).toBe(inOrder);
        await gateway.stop();
      }),
      { numRuns: runCount(3, 1) },
    );
  });

  it('end in the same state when all are sent at the same instant, twice', async () => {
    const gateway = await start();

    const replies = await Promise.all(
      [...CASES, ...CASES].map(({ provider, body }) => gateway.post(provider, body)),
    );

    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    expect(replies.filter(({ kept }) => kept?.duplicate)).toHaveLength(CASES.length);
    expect(JSON.stringify(await standingOf(gateway))).toBe(inOrder);
  });

  it('end in the same state whether or not the gateway is restarted in between', async () => {
    const gateway = await start();
    const half = CASES.length / 2;

    for (const { provider, body } of CASES.slice(half)) await gateway.post(provider, body);
    await gateway.restart();
    for (const { provider, body } of CASES) await gateway.post(provider, body);

    expect(JSON.stringify(await standingOf(gateway))).toBe(inOrder);
  });

  it('end in the same state when all of them are applied again', async () => {
    const gateway = await start();
    for (const { provider, body } of CASES) await gateway.post(provider, body);

    const { data } = await gateway.ask(REPLAY_ALL);

    expect(data.replayDeliveries).toEqual({
      deliveries: CASES.length,
      dispositionChanges: [],
      changes: [],
      userErrors: [],
    });
    expect(JSON.stringify(await standingOf(gateway))).toBe(inOrder);
  });
});

const REPLAY_ALL = `mutation {
  replayDeliveries(input: { receivedFrom: "2000-01-01T00:00:00Z" }) {
    deliveries dispositionChanges { before after } changes { cursor } userErrors { code }
  }
}`;

/** Every case at least once, some again, in some order. */
function disorder(): fc.Arbitrary<readonly Case[]> {
  return fc.array(fc.constantFrom(...CASES), { maxLength: 20 }).chain((repeats) => {
    const all = [...CASES, ...repeats];
    return fc.shuffledSubarray(all, { minLength: all.length });
  });
}

function caseOf(provider: Case['provider'], name: string): Case {
  const found = CASES.find((each) => each.provider === provider && each.name === name);
  if (found === undefined) throw new Error(`there is no fixture ${provider}/${name}`);
  return found;
}
