/** `statusChanged`: the log as a stream, over the real store and the real feed. */

import { encodeCursor } from '../../src/domain/cursor';
import { at } from '../support/changes';
import {
  type Answer,
  apiKey,
  codesOf,
  endUser,
  NOW,
  OPERATOR,
  openWorld,
  statusEvent,
  unnamed,
  type World,
} from './world';

let world: World;

beforeEach(async () => {
  world = await openWorld();
});

afterEach(() => world.close());

const WATCH = `subscription ($filter: StatusChangeFilter, $after: String) {
  statusChanged(filter: $filter, after: $after) {
    cursor attemptStatus user { externalUserId verificationStatus } attempt { status } } }`;

const said = (answers: readonly Answer[]) =>
  answers.map(({ data }) => [
    data.statusChanged.user.externalUserId,
    data.statusChanged.attemptStatus,
  ]);

describe('statusChanged', () => {
  it('gives what happens from now on', async () => {
    await world.tell('sumsub', statusEvent('ann', 'PENDING', 1));
    const watch = await world.watch(OPERATOR, WATCH);
    await world.tell('sumsub', statusEvent('ann', 'APPROVED', 2));
    await world.tell('sumsub', statusEvent('bob', 'PENDING', 3));
    expect(said(await watch.take(2))).toEqual([
      ['ann', 'APPROVED'],
      ['bob', 'PENDING'],
    ]);
    await watch.stop();
  });

  it('goes on after a cursor without a gap or a repeat', async () => {
    await world.tell('sumsub', statusEvent('ann', 'PENDING', 1));
    const first = await world.watch(OPERATOR, WATCH, { after: await cursorAt(0) });
    const [seen] = await first.take(1);
    await first.stop();
    await world.tell('sumsub', statusEvent('ann', 'IN_PROGRESS', 2));
    await world.tell('sumsub', statusEvent('bob', 'PENDING', 3));

    const second = await world.watch(OPERATOR, WATCH, { after: seen?.data.statusChanged.cursor });
    await world.tell('sumsub', statusEvent('ann', 'APPROVED', 4));
    expect(said(await second.take(3))).toEqual([
      ['ann', 'IN_PROGRESS'],
      ['bob', 'PENDING'],
      ['ann', 'APPROVED'],
    ]);
    await second.stop();
  });

  it('joins a query without a gap: its `cursor` is where the subscription goes on', async () => {
    await world.tell('sumsub', statusEvent('ann', 'PENDING', 1));
    const { data } = await world.ask(OPERATOR, '{ cursor users { totalCount } }');
    await world.tell('sumsub', statusEvent('bob', 'PENDING', 2));
    const watch = await world.watch(OPERATOR, WATCH, { after: data.cursor });
    expect(said(await watch.take(1))).toEqual([['bob', 'PENDING']]);
    await watch.stop();
  });

  it('reads what hangs on an item afresh for every item', async () => {
    const watch = await world.watch(OPERATOR, WATCH);
    await world.tell('sumsub', statusEvent('ann', 'PENDING', 1));
    const [before] = await watch.take(1);
    await world.tell('sumsub', statusEvent('ann', 'APPROVED', 2));
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
    await world.tell('sumsub', statusEvent('ann', 'PENDING', 1));
    await world.tell('p100', statusEvent('bob', 'REJECTED', 2));
    await world.tell('sumsub', statusEvent('ann', 'APPROVED', 3));
    const after = await cursorAt(0);
    const watch = await world.watch(OPERATOR, WATCH, { filter, after });
    const answers = await watch.take(statuses.length);
    expect(answers.map(({ data }) => data.statusChanged.attemptStatus)).toEqual(statuses);
    await watch.stop();
  });

  it('waits for a user who is filtered for and does not exist yet', async () => {
    const watch = await world.watch(OPERATOR, WATCH, { filter: { externalUserId: 'ann' } });
    const taken = watch.take(2);
    await world.tell('sumsub', statusEvent('bob', 'PENDING', 1));
    await world.tell('sumsub', statusEvent('ann', 'PENDING', 2));
    await world.tell('sumsub', statusEvent('bob', 'APPROVED', 3));
    await world.tell('sumsub', statusEvent('ann', 'APPROVED', 4));
    expect(said(await taken)).toEqual([
      ['ann', 'PENDING'],
      ['ann', 'APPROVED'],
    ]);
    await watch.stop();
  });

  it('stays with a user who is merged into another, whatever else is filtered for', async () => {
    await world.tell('fractal-id', unnamed(statusEvent('f', 'PENDING', 1)));
    await world.tell('sumsub', statusEvent('ann', 'PENDING', 2));
    const { data } = await world.ask(
      OPERATOR,
      '{ user(identity: { provider: FRACTAL_ID, ref: "ref-f" }) { id } }',
    );
    const filter = { userId: data.user.id, attemptStatus: ['APPROVED'] };
    const watch = await world.watch(OPERATOR, WATCH, { filter });
    const taken = watch.take(1);
    await world.ask(
      OPERATOR,
      'mutation { linkIdentity(input: { identity: { provider: FRACTAL_ID, ref: "ref-f" }, externalUserId: "ann" }) { mergedUserId } }',
    );
    await world.tell('sumsub', statusEvent('ann', 'APPROVED', 3));
    expect(said(await taken)).toEqual([['ann', 'APPROVED']]);
    await watch.stop();
  });

  it('ends at once when the client leaves, also while nothing happens', async () => {
    for (const filter of [{}, { externalUserId: 'not yet' }]) {
      const watch = await world.watch(OPERATOR, WATCH, { filter });
      const pending = watch.next();
      await watch.stop();
      expect(await pending).toEqual({ done: true, value: undefined });
    }
  });

  it('refuses a cursor of another log, and one from the future', async () => {
    for (const after of ['rubbish', encodeCursor('another-log', at(1))]) {
      const { refused } = await world.watch(OPERATOR, WATCH, { after });
      expect(refused && codesOf(refused)).toEqual(['CURSOR_INVALID']);
    }
    const watch = await world.watch(OPERATOR, WATCH, { after: await cursorAt(1000) });
    const { value } = await watch.next();
    expect(value && codesOf(value)).toEqual(['CURSOR_INVALID']);
  });

  it('answers CURSOR_EXPIRED with the oldest cursor that still holds', async () => {
    await world.tell('sumsub', statusEvent('ann', 'PENDING', 1));
    await world.tell('sumsub', statusEvent('ann', 'APPROVED', 2));
    await world.store.trimLog(new Date(NOW.getTime() + 1));
    const watch = await world.watch(OPERATOR, WATCH, { after: await cursorAt(0) });
    const { value } = await watch.next();
    expect(value && codesOf(value)).toEqual(['CURSOR_EXPIRED']);
    const oldest = value?.errors?.[0]?.extensions?.oldestCursor;

    const resumed = await world.watch(OPERATOR, WATCH, { after: oldest });
    await world.tell('sumsub', statusEvent('bob', 'PENDING', 3));
    expect(said(await resumed.take(1))).toEqual([['bob', 'PENDING']]);
    await resumed.stop();
  });

  it('needs `read` of an API key', async () => {
    const { refused } = await world.watch(apiKey('operate'), WATCH);
    expect(refused && codesOf(refused)).toEqual(['FORBIDDEN']);
  });
});

describe('statusChanged for an end user', () => {
  it('holds what is theirs alone', async () => {
    await world.tell('sumsub', statusEvent('ann', 'PENDING', 1));
    await world.tell('sumsub', statusEvent('bob', 'PENDING', 2));
    const watch = await world.watch(endUser('ann'), WATCH, { after: await cursorAt(0) });
    await world.tell('sumsub', statusEvent('bob', 'APPROVED', 3));
    await world.tell('sumsub', statusEvent('ann', 'APPROVED', 4));
    expect(said(await watch.take(2))).toEqual([
      ['ann', 'PENDING'],
      ['ann', 'APPROVED'],
    ]);
    await watch.stop();
  });

  it('may begin before anybody has heard of them', async () => {
    const watch = await world.watch(endUser('ann'), WATCH);
    const taken = watch.take(2);
    await world.tell('sumsub', statusEvent('bob', 'PENDING', 1));
    await world.ask(
      OPERATOR,
      'mutation { createUser(input: { externalUserId: "ann" }) { created } }',
    );
    await world.tell('sumsub', statusEvent('ann', 'PENDING', 2));
    await world.tell('sumsub', statusEvent('ann', 'APPROVED', 3));
    expect(said(await taken)).toEqual([
      ['ann', 'PENDING'],
      ['ann', 'APPROVED'],
    ]);
    await watch.stop();
  });

  it('stays silent about somebody else who is filtered for', async () => {
    await world.tell('sumsub', statusEvent('ann', 'PENDING', 1));
    await world.tell('sumsub', statusEvent('bob', 'PENDING', 2));
    const { data } = await world.ask(OPERATOR, '{ user(externalUserId: "bob") { id } }');
    const filters = [
      { userId: data.user.id },
      { externalUserId: 'bob' },
      { externalUserId: 'new' },
    ];
    for (const filter of filters) {
      const after = await cursorAt(0);
      const watch = await world.watch(endUser('ann'), WATCH, { filter, after });
      const pending = watch.next();
      await world.tell('sumsub', statusEvent('new', 'PENDING', 3));
      // Whoever listens to everything has been told by now; then nothing is on its way to this one either.
      const everything = await world.watch(OPERATOR, WATCH, { after });
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
