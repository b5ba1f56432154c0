/** `statusChanged`, on a real store and a real feed. */

import { encodeCursor } from '../../src/domain/cursor';
import { at } from '../support/changes';
import {
  apiKey,
  codesOf,
  endUser,
  type GraphQLResult,
  NOW,
  OPERATOR,
  openWorld,
  statusEvent,
  type World,
  withoutExternalUserId,
} from './world';

let world: World;

beforeEach(async () => {
  world = await openWorld();
});

afterEach(() => world.close());

const WATCH = `subscription ($filter: StatusChangeFilter, $after: String) {
  statusChanged(filter: $filter, after: $after) {
    cursor attemptStatus user { externalUserId verificationStatus } attempt { status } } }`;

const summarize = (responses: readonly GraphQLResult[]) =>
  responses.map(({ data }) => [
    data.statusChanged.user.externalUserId,
    data.statusChanged.attemptStatus,
  ]);

describe('statusChanged', () => {
  it('starts with the next change', async () => {
    await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 1));
    const watch = await world.subscribe(OPERATOR, WATCH);
    await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 2));
    await world.recordEvents('sumsub', statusEvent('bob', 'PENDING', 3));
    expect(summarize(await watch.take(2))).toEqual([
      ['ann', 'APPROVED'],
      ['bob', 'PENDING'],
    ]);
    await watch.stop();
  });

  it('continues after a cursor without a gap or a duplicate', async () => {
    await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 1));
    const first = await world.subscribe(OPERATOR, WATCH, { after: await cursorAt(0) });
    const [seen] = await first.take(1);
    await first.stop();
    await world.recordEvents('sumsub', statusEvent('ann', 'IN_PROGRESS', 2));
    await world.recordEvents('sumsub', statusEvent('bob', 'PENDING', 3));

    const second = await world.subscribe(OPERATOR, WATCH, {
      after: seen?.data.statusChanged.cursor,
    });
    await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 4));
    expect(summarize(await second.take(3))).toEqual([
      ['ann', 'IN_PROGRESS'],
      ['bob', 'PENDING'],
      ['ann', 'APPROVED'],
    ]);
    await second.stop();
  });

  it('continues after the `cursor` of a query without a gap', async () => {
    await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 1));
    const { data } = await world.execute(OPERATOR, '{ cursor users { totalCount } }');
    await world.recordEvents('sumsub', statusEvent('bob', 'PENDING', 2));
    const watch = await world.subscribe(OPERATOR, WATCH, { after: data.cursor });
    expect(summarize(await watch.take(1))).toEqual([['bob', 'PENDING']]);
    await watch.stop();
  });

  it('reads the fields of every item from current data', async () => {
    const watch = await world.subscribe(OPERATOR, WATCH);
    await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 1));
    const [before] = await watch.take(1);
    await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 2));
    const [after] = await watch.take(1);
    expect(before?.data.statusChanged).toMatchObject({
      user: { verificationStatus: 'NOT_VERIFIED' },
      attempt: { status: 'PENDING' },
    });
    expect(after?.data.statusChanged).toMatchObject({
      user: { verificationStatus: 'VERIFIED' },
      attempt: { status: 'APPROVED' },
    });
    await watch.stop();
  });

  it.each([
    [{ externalUserId: 'ann' }, ['PENDING', 'APPROVED']],
    [{ provider: 'P100' }, ['REJECTED']],
    [{ level: 'sumsub/basic', attemptStatus: ['APPROVED'] }, ['APPROVED']],
    [{ verificationStatus: ['VERIFIED'] }, ['APPROVED']],
    [{ verificationStatusChanged: true }, ['APPROVED']],
  ])('filters by %j', async (filter, statuses) => {
    await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 1));
    await world.recordEvents('p100', statusEvent('bob', 'REJECTED', 2));
    await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 3));
    const after = await cursorAt(0);
    const watch = await world.subscribe(OPERATOR, WATCH, { filter, after });
    const responses = await watch.take(statuses.length);
    expect(responses.map(({ data }) => data.statusChanged.attemptStatus)).toEqual(statuses);
    await watch.stop();
  });

  it('waits for a selected user who does not exist yet', async () => {
    const watch = await world.subscribe(OPERATOR, WATCH, { filter: { externalUserId: 'ann' } });
    const taken = watch.take(2);
    await world.recordEvents('sumsub', statusEvent('bob', 'PENDING', 1));
    await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 2));
    await world.recordEvents('sumsub', statusEvent('bob', 'APPROVED', 3));
    await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 4));
    expect(summarize(await taken)).toEqual([
      ['ann', 'PENDING'],
      ['ann', 'APPROVED'],
    ]);
    await watch.stop();
  });

  it('follows a user through a merge, with any other condition', async () => {
    await world.recordEvents('fractal-id', withoutExternalUserId(statusEvent('f', 'PENDING', 1)));
    await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 2));
    const { data } = await world.execute(
      OPERATOR,
      '{ user(identity: { provider: FRACTAL_ID, ref: "ref-f" }) { id } }',
    );
    const filter = { userId: data.user.id, attemptStatus: ['APPROVED'] };
    const watch = await world.subscribe(OPERATOR, WATCH, { filter });
    const taken = watch.take(1);
    await world.execute(
      OPERATOR,
      'mutation { linkIdentity(input: { identity: { provider: FRACTAL_ID, ref: "ref-f" }, externalUserId: "ann" }) { mergedUserId } }',
    );
    await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 3));
    expect(summarize(await taken)).toEqual([['ann', 'APPROVED']]);
    await watch.stop();
  });

  it('ends immediately when the client leaves, also while idle', async () => {
    for (const filter of [{}, { externalUserId: 'not yet' }]) {
      const watch = await world.subscribe(OPERATOR, WATCH, { filter });
      const pending = watch.next();
      await watch.stop();
      expect(await pending).toEqual({ done: true, value: undefined });
    }
  });

  it('rejects a cursor of another log, and a cursor ahead of the log', async () => {
    for (const after of ['rubbish', encodeCursor('another-log', at(1))]) {
      const { rejection } = await world.subscribe(OPERATOR, WATCH, { after });
      expect(rejection && codesOf(rejection)).toEqual(['CURSOR_INVALID']);
    }
    const watch = await world.subscribe(OPERATOR, WATCH, { after: await cursorAt(1000) });
    const { value } = await watch.next();
    expect(value && codesOf(value)).toEqual(['CURSOR_INVALID']);
  });

  it('returns CURSOR_EXPIRED with the oldest available cursor', async () => {
    await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 1));
    await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 2));
    await world.store.trimLog(new Date(NOW.getTime() + 1));
    const watch = await world.subscribe(OPERATOR, WATCH, { after: await cursorAt(0) });
    const { value } = await watch.next();
    expect(value && codesOf(value)).toEqual(['CURSOR_EXPIRED']);
    const oldest = value?.errors?.[0]?.extensions?.oldestCursor;

    const resumed = await world.subscribe(OPERATOR, WATCH, { after: oldest });
    await world.recordEvents('sumsub', statusEvent('bob', 'PENDING', 3));
    expect(summarize(await resumed.take(1))).toEqual([['bob', 'PENDING']]);
    await resumed.stop();
  });

  it('requires the `read` scope of an API key', async () => {
    const { rejection } = await world.subscribe(apiKey('operate'), WATCH);
    expect(rejection && codesOf(rejection)).toEqual(['FORBIDDEN']);
  });
});

describe('statusChanged for an end user', () => {
  it('contains only their own changes', async () => {
    await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 1));
    await world.recordEvents('sumsub', statusEvent('bob', 'PENDING', 2));
    const watch = await world.subscribe(endUser('ann'), WATCH, { after: await cursorAt(0) });
    await world.recordEvents('sumsub', statusEvent('bob', 'APPROVED', 3));
    await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 4));
    expect(summarize(await watch.take(2))).toEqual([
      ['ann', 'PENDING'],
      ['ann', 'APPROVED'],
    ]);
    await watch.stop();
  });

  it('may start before their user exists', async () => {
    const watch = await world.subscribe(endUser('ann'), WATCH);
    const taken = watch.take(2);
    await world.recordEvents('sumsub', statusEvent('bob', 'PENDING', 1));
    await world.execute(
      OPERATOR,
      'mutation { createUser(input: { externalUserId: "ann" }) { created } }',
    );
    await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 2));
    await world.recordEvents('sumsub', statusEvent('ann', 'APPROVED', 3));
    expect(summarize(await taken)).toEqual([
      ['ann', 'PENDING'],
      ['ann', 'APPROVED'],
    ]);
    await watch.stop();
  });

  it('contains nothing about another user selected by the filter', async () => {
    await world.recordEvents('sumsub', statusEvent('ann', 'PENDING', 1));
    await world.recordEvents('sumsub', statusEvent('bob', 'PENDING', 2));
    const { data } = await world.execute(OPERATOR, '{ user(externalUserId: "bob") { id } }');
    const filters = [
      { userId: data.user.id },
      { externalUserId: 'bob' },
      { externalUserId: 'new' },
    ];
    for (const filter of filters) {
      const after = await cursorAt(0);
      const watch = await world.subscribe(endUser('ann'), WATCH, { filter, after });
      const pending = watch.next();
      await world.recordEvents('sumsub', statusEvent('new', 'PENDING', 3));
      // An unfiltered subscription has received the change, so none is pending for this one.
      const everything = await world.subscribe(OPERATOR, WATCH, { after });
      await everything.take(3);
      await everything.stop();
      await watch.stop();
      expect(await pending).toEqual({ done: true, value: undefined });
    }
  });
});

async function cursorAt(seq: number): Promise<string> {
  return encodeCursor(world.store.logId, at(seq));
}
