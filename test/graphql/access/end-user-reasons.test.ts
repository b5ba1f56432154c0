/** Reasons that end users see: none that reveals a suspicion, unless END_USER_REASONS allows it. */

import { getNamedType, isObjectType } from 'graphql';
import type { Authenticator } from '../../../src/access/authenticator';
import { REASON_CODES, type Reason } from '../../../src/domain/event';
import { createDisposal } from '../../support/disposal';
import { connectClient } from '../../support/raw-ws';
import { startServer } from '../../support/start-server';
import {
  endUser,
  OPERATOR,
  openWorld,
  statusEvent,
  type World,
  withoutExternalUserId,
} from '../world';

const disposal = createDisposal();

const SUSPICIONS = ['AML', 'DUPLICATE', 'FRAUD_SUSPECTED', 'OTHER', 'REGULATION'];
const SHOWN = REASON_CODES.filter((code) => !SUSPICIONS.includes(code));
const REASONS: readonly Reason[] = REASON_CODES.map((code) => ({
  code,
  providerCode: `word for ${code}`,
  message: `text for ${code}`,
}));

const RETRYABLE = { retryable: false, reasons: REASONS };

async function openReasons(endUserReasons?: 'limited' | 'all'): Promise<World> {
  const world = await openWorld(endUserReasons ? { endUserReasons } : {});
  disposal.defer(() => world.close());
  await world.recordEvents(
    'sumsub',
    statusEvent('ann', 'REJECTED', 1, { ...RETRYABLE, providerStatus: 'RED/FORGERY' }),
  );
  await world.recordEvents('p100', statusEvent('ann', 'IN_REVIEW', 2, { reasons: REASONS }));
  return world;
}

/** Queries for all fields that return the reasons of a user. */
const REASON_QUERY = `{
  verificationAttempts { nodes { ...attempt } }
  user(externalUserId: "ann") {
    attempts { nodes { ...attempt } edges { node { ...attempt } } }
    levels { latestAttempt { ...attempt } }
    verification { missing { attempt { ...attempt } } because { attempt { ...attempt } } }
    statusChanges { nodes { ...change } }
  }
  viewer { user { attempts { nodes { ...attempt } } } }
  statusChanges { nodes { ...change } edges { node { ...change attempt { ...attempt } } } }
}
fragment attempt on VerificationAttempt {
  providerStatus status rejection { ...rejection } reviewReasons { ...reason }
  statusChanges { nodes { ...change } }
}
fragment change on StatusChange { rejection { ...rejection } }
fragment rejection on Rejection { retryable reasons { ...reason } }
fragment reason on RejectionReason { code providerCode message }`;

function suspicionsIn(response: unknown): readonly string[] {
  const text = JSON.stringify(response);
  return [...SUSPICIONS, 'FORGERY'].filter((word) => text.includes(word));
}

it('hides suspicions in every field', async () => {
  const world = await openReasons();
  const response = await world.execute(endUser('ann'), REASON_QUERY);
  expect(response.errors).toBeUndefined();
  expect(suspicionsIn(response)).toEqual([]);
  const attempts = response.data.verificationAttempts.nodes;
  const rejected = attempts.find(({ status }: { status: string }) => status === 'REJECTED');
  const reviewed = attempts.find(({ status }: { status: string }) => status === 'IN_REVIEW');
  expect(rejected.rejection.retryable).toBe(false);
  expect(rejected.rejection.reasons).toEqual(REASONS.filter(({ code }) => SHOWN.includes(code)));
  expect(reviewed.reviewReasons).toEqual(REASONS.filter(({ code }) => SHOWN.includes(code)));
  expect([rejected.providerStatus, reviewed.providerStatus]).toEqual(['REJECTED', 'IN_REVIEW']);
});

it.each([
  ['an operator', 'limited' as const, OPERATOR],
  ['an end user with END_USER_REASONS=all', 'all' as const, endUser('ann')],
])('returns all reasons to %s', async (_, setting, principal) => {
  const world = await openReasons(setting);
  const { data } = await world.execute(principal, REASON_QUERY);
  expect(suspicionsIn(data)).toEqual([...SUSPICIONS, 'FORGERY']);
  for (const { status, rejection, reviewReasons } of data.verificationAttempts.nodes) {
    expect(status === 'REJECTED' ? rejection.reasons : reviewReasons).toEqual(REASONS);
  }
});

it.each([
  ['an operator', 'limited' as const, OPERATOR, 1],
  ['an end user', 'limited' as const, endUser('ann'), 0],
  ['an end user with END_USER_REASONS=all', 'all' as const, endUser('ann'), 1],
])(
  'returns blocking rejections according to the setting: %s',
  async (_, endUserReasons, principal, count) => {
    const world = await openWorld({ endUserReasons });
    disposal.defer(() => world.close());
    await world.recordEvents('p100', statusEvent('ann', 'APPROVED', 1));
    await world.recordEvents('sumsub', statusEvent('ann', 'REJECTED', 2, RETRYABLE));
    const query =
      '{ user(externalUserId: "ann") { verification { blockedBy { level { key } } } } }';
    const { data } = await world.execute(principal, query);
    expect(data.user.verification.blockedBy).toHaveLength(count);
  },
);

it('restricts every field of the schema that returns reasons', async () => {
  const world = await openReasons();
  const { visibility } = (await world.service.openContext(endUser('ann'), 'REQUEST'))
    .context as never as { visibility: { canSeeAllReasons: boolean } };
  expect(visibility.canSeeAllReasons).toBe(false);
  const fields = Object.values(world.service.schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })))
    .filter(({ field }) => getNamedType(field.type).name === 'RejectionReason');
  expect(fields.length).toBeGreaterThanOrEqual(2);
  for (const { field } of fields) {
    const source = { [field.name]: REASONS };
    const output = field.resolve?.(
      source,
      {},
      { visibility } as never,
      { fieldName: field.name } as never,
    );
    expect(output).toEqual(REASONS.filter(({ code }) => SHOWN.includes(code)));
  }
});

// Equal subscriptions share payloads. An end user must never receive the payload of an operator.
it('pushes no suspicion to an end user with the same subscription as an operator', async () => {
  const world = await openWorld();
  disposal.defer(() => world.close());
  const principals = [OPERATOR, endUser('ann'), OPERATOR, endUser('bob')];
  const authenticator: Authenticator = {
    async authenticate(authorization) {
      const principal = principals[Number(authorization?.replace('Bearer ', ''))];
      if (principal === undefined) throw new Error('No principal has this number');
      return principal;
    },
    findInvalid: async () => new Set(),
  };
  const { wsUrl } = await startServer(disposal, { graphql: world.service, authenticator });
  await world.recordEvents(
    'sumsub',
    statusEvent('ann', 'PENDING', 0),
    statusEvent('bob', 'PENDING', 0),
  );
  const query = `subscription { statusChanged(filter: { attemptStatus: [REJECTED, IN_REVIEW] }) {
    rejection { reasons { code providerCode message } }
    attempt { providerStatus rejection { reasons { code } } reviewReasons { code message } } } }`;
  const clients = await Promise.all(
    principals.map((_, index) => connectClient(disposal, wsUrl, String(index))),
  );
  for (const client of clients) client.send({ id: '1', type: 'subscribe', payload: { query } });
  // The response follows the start of the subscription, so it is open now.
  for (const client of clients) {
    client.send({ id: '2', type: 'subscribe', payload: { query: '{ cursor }' } });
    await client.receive(1, 'complete');
  }
  const rejected = statusEvent('ann', 'REJECTED', 1, {
    ...RETRYABLE,
    providerStatus: 'RED/FORGERY',
  });
  const reviewed = statusEvent('ann', 'IN_REVIEW', 2, { reasons: REASONS });
  await world.recordEvents('sumsub', rejected);
  await world.recordEvents(
    'fractal-id',
    withoutExternalUserId(statusEvent('other', 'IN_REVIEW', 2)),
  );
  await world.recordEvents('p100', reviewed);

  const items = async (index: number, count: number) => {
    const messages = (await clients[index]?.receive(count + 1, 'next')) ?? [];
    return messages.filter(({ id }) => id === '1');
  };
  for (const index of [0, 2])
    expect(suspicionsIn(await items(index, 3))).toEqual([...SUSPICIONS, 'FORGERY']);
  const own = await items(1, 2);
  expect(own).toHaveLength(2);
  expect(suspicionsIn(own)).toEqual([]);
  expect(JSON.stringify(own)).toContain('DOCUMENT_QUALITY');
  expect(await items(3, 0)).toEqual([]);
});
