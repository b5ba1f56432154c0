/** IDs are compared byte for byte: two that look or fold alike are two. */

import { createDisposal } from '../support/disposal';
import { startGateway, tokenFor } from './support/gateway';
import { about, GREEN } from './support/messages';
import { askOverSocket } from './support/query-over-socket';

const disposal = createDisposal();

/** Equal under some letter case, normalization or trimming. */
const PAIRS: readonly (readonly [string, string, string])[] = [
  ['a Kelvin sign', 'K', '\u212a'],
  ['the other letter case', 'user-a', 'USER-A'],
  ['a dotless i', 'i', '\u0131'],
  ['a long s', 's', '\u017f'],
  ['a sharp s', 'ss', 'ß'],
  ['a ligature', 'fi', '\ufb01'],
  ['a full-width letter', 'a', '\uff41'],
  ['an accent of its own', '\u00e9', 'e\u0301'],
  ['a character of no width', 'ab', 'a\u200bb'],
  ['a space after it', 'ab', 'ab '],
];

const MINE = `{
  viewer { user { externalUserId } }
  users { nodes { externalUserId } }
  verificationAttempts { nodes { user { externalUserId } } }
  statusChanges { nodes { user { externalUserId } } }
}`;
const PUSHED = `subscription ($after: String!) {
  statusChanged(after: $after) { user { externalUserId } }
}`;
const NAMED = 'query ($id: String!) { user(externalUserId: $id) { externalUserId } }';
const BY_ACCOUNT = `query ($ref: String!) {
  user(identity: { provider: SUMSUB, ref: $ref }) { externalUserId }
}`;

it.each(PAIRS)('%s makes another user', async (_, one, other) => {
  const gateway = await startGateway(disposal);
  const { cursor } = (await gateway.ask('{ cursor }')).data;
  await gateway.post('sumsub', about(one, 'applicantReviewed', 1, GREEN));
  const token = await tokenFor(other);
  const doors = [
    (query: string, variables = {}) => gateway.ask(query, variables, token),
    (query: string, variables = {}) => askOverSocket(disposal, gateway, query, variables, token),
  ];

  for (const ask of doors) {
    expect((await ask(MINE)).data).toEqual({
      viewer: { user: null },
      users: { nodes: [] },
      verificationAttempts: { nodes: [] },
      statusChanges: { nodes: [] },
    });
    expect((await ask(NAMED, { id: one })).data).toEqual({ user: null });
  }
  expect((await gateway.ask(NAMED, { id: other })).data).toEqual({ user: null });
  expect((await gateway.ask(BY_ACCOUNT, { ref: `applicant-of-${other}` })).data).toEqual({
    user: null,
  });

  await gateway.post('sumsub', about(other, 'applicantReset', 2));

  for (const ask of doors) {
    const { data } = await ask(MINE);
    expect(data.viewer).toEqual({ user: { externalUserId: other } });
    expect(data.users.nodes).toEqual([{ externalUserId: other }]);
  }
  const pushed = await askOverSocket(disposal, gateway, PUSHED, { after: cursor }, token);
  expect(pushed.data).toEqual({ statusChanged: { user: { externalUserId: other } } });
  const { data } = await gateway.ask('{ users { nodes { externalUserId verificationStatus } } }');
  const statuses = new Map(
    data.users.nodes.map((user: { externalUserId: string; verificationStatus: string }) => [
      user.externalUserId,
      user.verificationStatus,
    ]),
  );
  expect(statuses).toEqual(
    new Map([
      [one, 'VERIFIED'],
      [other, 'NOT_VERIFIED'],
    ]),
  );
});
