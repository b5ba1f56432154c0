/** From a provider's POST to a subscriber: nothing is lost, duplicated or disordered, even if connections or processes fail. */

import { setTimeout as sleep } from 'node:timers/promises';
import { paycaddy } from '../store/provider-deliveries';
import { createDisposal } from '../support/disposal';
import { until } from '../support/until';
import { type Follower, follow } from './support/follower';
import { startGateway, type TestGateway, tokenFor } from './support/gateway';
import { about, GREEN } from './support/messages';
import { logOf } from './support/state';

const disposal = createDisposal();

/** A follower that is sure to have subscribed: what is posted from now on is for it. */
async function followFromHead(gateway: TestGateway, options: object = {}): Promise<Follower> {
  const { data } = await gateway.ask('{ cursor }');
  return follow(disposal, () => gateway.wsUrl, { after: data.cursor, ...options });
}

describe('an open subscription', () => {
  it('is given what a signed webhook changed, and what it changed it from', async () => {
    const gateway = await startGateway(disposal);
    const follower = await followFromHead(gateway);

    await gateway.post('sumsub', about('ada', 'applicantPending', 1));
    await gateway.post('sumsub', about('ada', 'applicantReviewed', 2, GREEN));

    expect(await follower.receive(2)).toMatchObject([
      {
        user: { externalUserId: 'ada' },
        level: { key: 'sumsub/basic-kyc-level' },
        attemptStatus: 'IN_PROGRESS',
        previousAttemptStatus: null,
        verificationStatus: 'NOT_VERIFIED',
        previousVerificationStatus: 'NOT_VERIFIED',
      },
      {
        attemptStatus: 'APPROVED',
        previousAttemptStatus: 'IN_PROGRESS',
        levelStatus: 'VERIFIED',
        previousLevelStatus: 'NOT_VERIFIED',
        verificationStatus: 'VERIFIED',
        previousVerificationStatus: 'NOT_VERIFIED',
      },
    ]);
    expect(follower.entries).toEqual(await logOf(gateway));
  });

  it('without a cursor begins with what comes next', async () => {
    const gateway = await startGateway(disposal);
    await gateway.post('sumsub', about('before', 'applicantPending', 1));
    const follower = follow(disposal, () => gateway.wsUrl);

    let posted = 0;
    while (follower.entries.length === 0) {
      posted += 1;
      await gateway.post('sumsub', about(`after-${posted}`, 'applicantPending', posted));
      await sleep(5);
    }

    const [first] = follower.entries;
    const log = await logOf(gateway);
    const place = log.findIndex(({ cursor }) => cursor === first?.cursor);
    expect(place).toBeGreaterThanOrEqual(1);
    await follower.receive(log.length - place);
    expect(follower.entries).toEqual(log.slice(place));
  });

  it('receives nothing for duplicates, stale events and unreadable messages', async () => {
    const gateway = await startGateway(disposal);
    const follower = await followFromHead(gateway);
    const approval = about('ada', 'applicantReviewed', 5, GREEN);

    await gateway.post('sumsub', approval);
    const repeat = await gateway.post('sumsub', approval);
    await gateway.post('sumsub', about('ada', 'applicantCreated', 1)); // moves the beginning: no status
    const late = await gateway.post('sumsub', about('ada', 'applicantPending', 3));
    const unreadable = await gateway.post('sumsub', 'not JSON');
    await gateway.post('sumsub', about('ada', 'applicantReset', 6));

    expect([repeat.kept?.duplicate, late.kept?.disposition, unreadable.kept?.disposition]).toEqual([
      true,
      'STALE',
      'QUARANTINED',
    ]);
    await follower.receive(3);
    expect(follower.entries.map(({ attemptStatus }) => attemptStatus)).toEqual([
      'APPROVED',
      'CANCELLED',
      'PENDING',
    ]);
  });

  it('with a filter is given what matches, and resumes with it', async () => {
    const gateway = await startGateway(disposal);
    const follower = await followFromHead(gateway, { filter: { attemptStatus: ['APPROVED'] } });

    for (const user of ['ada', 'ben', 'cleo']) {
      await gateway.post('sumsub', about(user, 'applicantPending', 1));
      await gateway.post('sumsub', about(user, 'applicantReviewed', 2, GREEN));
      await follower.receive(1);
      follower.kill();
    }

    await follower.receive(3);
    expect(follower.entries.map(({ user }) => user.externalUserId)).toEqual(['ada', 'ben', 'cleo']);
  });
});

describe('a subscription that comes back', () => {
  it('after its socket was killed again and again has everything once and in order', async () => {
    const gateway = await startGateway(disposal);
    const follower = await followFromHead(gateway);
    const posting = postContinuously(gateway);

    for (let kills = 0; kills < 5; kills += 1) {
      await follower.receive(follower.entries.length + 3);
      follower.kill();
    }

    await expectEverythingOnce(gateway, posting, [follower]);
    expect(follower.connections).toBe(6);
  });

  it('to a restarted gateway has everything once and in order', async () => {
    const gateway = await startGateway(disposal);
    const follower = await followFromHead(gateway);
    const posting = postContinuously(gateway);

    for (let restarts = 0; restarts < 3; restarts += 1) {
      await follower.receive(follower.entries.length + 3);
      await gateway.restart();
    }

    await expectEverythingOnce(gateway, posting, [follower]);
  });

  it('after both at once has everything once and in order, together with other subscribers', async () => {
    const gateway = await startGateway(disposal);
    const followers = await Promise.all([
      followFromHead(gateway),
      followFromHead(gateway),
      followFromHead(gateway),
    ]);
    const posting = postContinuously(gateway);

    for (let faults = 0; faults < 3; faults += 1) {
      await Promise.all(followers.map((each) => each.receive(each.entries.length + 2)));
      const restarted = gateway.restart();
      followers[faults]?.kill();
      await restarted;
      followers[(faults + 1) % followers.length]?.kill();
    }

    await expectEverythingOnce(gateway, posting, followers);
  });

  it('receives changes that were committed while it was disconnected', async () => {
    const gateway = await startGateway(disposal);
    await gateway.post('sumsub', about('ada', 'applicantPending', 1));
    const [first] = await logOf(gateway);
    await gateway.post('sumsub', about('ada', 'applicantOnHold', 2));
    await gateway.restart();
    await gateway.post('sumsub', about('ada', 'applicantReviewed', 3, GREEN));

    const follower = follow(disposal, () => gateway.wsUrl, { after: first?.cursor ?? '' });

    await follower.receive(2);
    expect(follower.entries.map(({ attemptStatus }) => attemptStatus)).toEqual([
      'IN_REVIEW',
      'APPROVED',
    ]);
  });
});

interface Posting {
  /** Resolves when the last post was answered. */
  stop(): Promise<void>;
}

/** Posts for several providers in parallel, and retries each post that did not get 200. */
function postContinuously(gateway: TestGateway): Posting {
  let going = true;
  let count = 0;
  disposal.defer(() => {
    going = false;
  });

  async function sendUntilKept(user: string): Promise<void> {
    const send = [
      () => gateway.post('sumsub', about(user, 'applicantPending', 1)),
      () => gateway.post('sumsub', about(user, 'applicantReviewed', 2, GREEN)),
      () => gateway.post('paycaddy', paycaddy('rejected', user, 1)),
    ];
    for (const post of send) {
      let status = 0;
      while (status !== 200) {
        status = await post().then(
          (reply) => reply.status,
          () => 0, // the gateway is away
        );
        if (status !== 200) await sleep(5);
      }
    }
  }

  async function vendor(): Promise<void> {
    while (going) {
      count += 1;
      await sendUntilKept(`user-${count}`);
    }
  }

  const vendors = [vendor(), vendor(), vendor(), vendor()];
  return {
    async stop() {
      going = false;
      await Promise.all(vendors);
    },
  };
}

async function expectEverythingOnce(
  gateway: TestGateway,
  posting: Posting,
  followers: readonly Follower[],
): Promise<void> {
  await posting.stop();
  const log = await logOf(gateway);
  await Promise.all(followers.map((each) => each.receive(log.length)));
  const { totalCount } = (await gateway.ask('{ statusChanges { totalCount } }')).data.statusChanges;
  expect(log).toHaveLength(totalCount);
  for (const { entries } of followers) expect(entries).toEqual(log);
}

describe('an end user', () => {
  it('receives only its own changes', async () => {
    const gateway = await startGateway(disposal);
    const ada = await tokenFor('ada');
    const follower = await followFromHead(gateway, { credential: ada });

    await gateway.post('sumsub', about('ben', 'applicantPending', 1));
    await gateway.post('sumsub', about('ada', 'applicantPending', 1));
    await gateway.post('sumsub', about('ben', 'applicantReviewed', 2, GREEN));
    await gateway.post('sumsub', about('ada', 'applicantReviewed', 2, GREEN));

    await follower.receive(2);
    expect(follower.entries.map(({ user, attemptStatus }) => [user, attemptStatus])).toEqual([
      [{ externalUserId: 'ada' }, 'IN_PROGRESS'],
      [{ externalUserId: 'ada' }, 'APPROVED'],
    ]);
  });

  it('cannot reach another user with a filter', async () => {
    const gateway = await startGateway(disposal);
    await gateway.post('sumsub', about('ben', 'applicantPending', 1));
    const { data } = await gateway.ask('{ users { nodes { id } } }');
    const [{ id: userId }] = data.users.nodes;
    const credential = await tokenFor('ada');
    const filters = [{ externalUserId: 'ben' }, { userId }, { provider: 'SUMSUB' }];
    const followers = await Promise.all(
      filters.map((filter) => followFromHead(gateway, { credential, filter })),
    );

    await gateway.post('sumsub', about('ben', 'applicantReviewed', 2, GREEN));
    await gateway.post('sumsub', about('ada', 'applicantPending', 1));

    const [, , byProvider] = followers;
    await byProvider?.receive(1);
    await sleep(50);
    expect(followers.map(({ entries }) => entries.length)).toEqual([0, 0, 1]);
    expect(byProvider?.entries).toMatchObject([{ user: { externalUserId: 'ada' } }]);
  });

  it('goes on across a restart with another token', async () => {
    const gateway = await startGateway(disposal);
    const follower = await followFromHead(gateway, { credential: () => tokenFor('ada') });

    await gateway.post('sumsub', about('ada', 'applicantPending', 1));
    await follower.receive(1);
    await gateway.restart();
    await gateway.post('sumsub', about('ada', 'applicantReviewed', 2, GREEN));

    await follower.receive(2);
    expect(follower.entries).toEqual(await logOf(gateway));
  });
});

describe('credentials', () => {
  it.each<[string, () => Promise<string | null>]>([
    ['that are missing', async () => null],
    ['that are empty', async () => ''],
    ['that are no key of ours', async () => `kyc_aaaaaaaa_${'A'.repeat(43)}`],
    ['that are a token of another issuer', async () => tokenFor('ada', { iss: 'elsewhere' })],
    ['that have run out', async () => tokenFor('ada', { exp: 1_700_000_000 })],
  ])('%s close the connection with 4403', async (_, credential) => {
    const gateway = await startGateway(disposal);
    const follower = follow(disposal, () => gateway.wsUrl, {
      credential: await credential(),
      retryAttempts: 0,
    });

    expect(await follower.ended).toMatchObject({ code: 4403 });
  });

  it('that are revoked end the stream, and only theirs', async () => {
    const gateway = await startGateway(disposal);
    const { key, prefix } = await gateway.createKey('read');
    const revoked = await followFromHead(gateway, { credential: key, retryAttempts: 0 });
    const other = await followFromHead(gateway);
    await gateway.post('sumsub', about('ada', 'applicantPending', 1));
    await Promise.all([revoked.receive(1), other.receive(1)]);

    await gateway.store.apiKeys.revoke(prefix, 'test', new Date());

    expect(await revoked.ended).toMatchObject({ code: 4403 });
    await gateway.post('sumsub', about('ada', 'applicantReviewed', 2, GREEN));
    await other.receive(2);
    expect([revoked.entries.length, other.connections]).toEqual([1, 1]);
  });

  it('that run out while connected end the stream', async () => {
    const clock = { now: new Date('2025-06-01T12:00:00Z') };
    const gateway = await startGateway(disposal, { clock: () => clock.now });
    const exp = clock.now.getTime() / 1000 + 60;
    const credential = await tokenFor('ada', { exp });
    const follower = await followFromHead(gateway, { credential, retryAttempts: 0 });
    await gateway.post('sumsub', about('ada', 'applicantPending', 1));
    await follower.receive(1);

    clock.now = new Date('2025-06-01T12:02:00Z');

    expect(await follower.ended).toMatchObject({ code: 4403 });
  });

  it('without the scope `read` subscribe to nothing', async () => {
    const gateway = await startGateway(disposal);
    const { key } = await gateway.createKey('operate', 'pii:read');
    const follower = follow(disposal, () => gateway.wsUrl, { credential: key });

    expect(await follower.ended).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });
});

describe('a cursor', () => {
  it('that the log has been trimmed behind is refused, with the oldest that is held', async () => {
    const clock = { now: new Date('2025-01-01T12:00:00Z') };
    const env = { CHANGE_LOG_RETENTION_DAYS: '30' };
    const gateway = await startGateway(disposal, { env, clock: () => clock.now });
    const start = (await gateway.ask('{ cursor }')).data.cursor;
    await gateway.post('sumsub', about('ada', 'applicantPending', 1));
    await gateway.post('sumsub', about('ada', 'applicantOnHold', 2));
    clock.now = new Date('2025-02-15T12:00:00Z');
    await gateway.post('sumsub', about('ada', 'applicantReviewed', 3, GREEN));
    await until(async () => (await logOf(gateway)).length === 1);

    const late = follow(disposal, () => gateway.wsUrl, { after: start });
    const errors = await late.ended;

    expect(errors).toMatchObject([
      { extensions: { code: 'CURSOR_EXPIRED', oldestCursor: expect.any(String) } },
    ]);
    expect(late.entries).toEqual([]);
    const again = follow(disposal, () => gateway.wsUrl, { after: oldestCursorOf(errors) });
    await again.receive(1);
    expect(again.entries).toEqual(await logOf(gateway));
  });

  it.each([
    ['is none', 'nonsense'],
    ['is of another log', Buffer.from('other:1').toString('base64url')],
    ['is empty', ''],
  ])('that %s is refused', async (_, after) => {
    const gateway = await startGateway(disposal);
    const follower = follow(disposal, () => gateway.wsUrl, { after });

    expect(await follower.ended).toMatchObject([{ extensions: { code: 'CURSOR_INVALID' } }]);
  });
});

function oldestCursorOf(errors: unknown): string {
  const [error]: unknown[] = Array.isArray(errors) ? errors : [];
  const found = /"oldestCursor":"([^"]+)"/.exec(JSON.stringify(error))?.[1];
  if (found === undefined) throw new Error('expected an error with the oldest cursor');
  return found;
}
