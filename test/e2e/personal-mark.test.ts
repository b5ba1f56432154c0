/** One decorator on a field protects it at every entry point. Nothing else in this file marks the field. */

import { findPersonalFieldNames, Personal } from '../../src/graphql/request/personal';
import { createSchema, printSdl } from '../../src/graphql/schema';
import { User } from '../../src/graphql/types/user.type';
import { createLogger } from '../../src/observability/log';
import { PROVIDERS } from '../../src/providers/registry';
import { createDisposal } from '../support/disposal';
import { codesOf, startGateway, type TestGateway, tokenFor } from './support/gateway';
import { about, GREEN } from './support/messages';
import { askOverSocket } from './support/query-over-socket';

Personal()(User.prototype, 'externalUserId');

const disposal = createDisposal('all');
let gateway: TestGateway;
/** By scopes. */
let keys: Readonly<Record<'read' | 'both', string>>;

beforeAll(async () => {
  gateway = await startGateway(disposal);
  keys = {
    read: (await gateway.createKey('read')).key,
    both: (await gateway.createKey('read', 'pii:read')).key,
  };
  await gateway.post('sumsub', about('ada', 'applicantPending', 1));
  await gateway.post('sumsub', about('ada', 'applicantReviewed', 2, GREEN));
});

/** Marked and unmarked fields, in documents that the query planner supports and in others. */
const QUERIES = [
  '{ users { nodes { externalUserId } } }',
  '{ users { edges { node { ...on User { name: externalUserId } } } } }',
  '{ verificationAttempts { nodes { user { ...F } } } } fragment F on User { externalUserId }',
  '{ user(externalUserId: "ada") { externalUserId attempts { nodes { user { externalUserId } } } } }',
  '{ statusChanges { nodes { user { externalUserId } } } }',
  '{ users { nodes { ...on Node { id ...on User { externalUserId } } } } }',
];

describe.each(QUERIES)('%s', (source) => {
  // Twice: the second may be answered in a shorter way.
  it.each([1, 2])('is refused over HTTP to who may not read personal data (%i)', async () => {
    const answer = await gateway.ask(source, {}, keys.read);
    expect(new Set(codesOf(answer))).toEqual(new Set(['FORBIDDEN']));
    expect(JSON.stringify(answer.data)).not.toContain('ada');
  });

  it('is refused over a WebSocket too', async () => {
    const answer = await askOverSocket(disposal, gateway, source, {}, keys.read);
    expect(new Set(codesOf(answer))).toEqual(new Set(['FORBIDDEN']));
    expect(JSON.stringify(answer.data)).not.toContain('ada');
  });

  it('is refused to the end user without the scope', async () => {
    const refused = await gateway.ask(source, {}, await tokenFor('ada'));
    expect(new Set(codesOf(refused))).toEqual(new Set(['FORBIDDEN']));
    const told = await gateway.ask(source, {}, await tokenFor('ada', { scope: 'pii:read' }));
    expect([codesOf(told), JSON.stringify(told.data)]).toEqual([
      [],
      expect.stringContaining('"ada"'),
    ]);
  });

  it('is answered to who may', async () => {
    for (const answer of [
      await gateway.ask(source, {}, keys.both),
      await gateway.ask(source, {}, keys.both),
      await askOverSocket(disposal, gateway, source, {}, keys.both),
    ]) {
      expect([codesOf(answer), JSON.stringify(answer.data)]).toEqual([
        [],
        expect.stringContaining('"ada"'),
      ]);
    }
  });
});

it('in what is pushed, each is shown what they may see', async () => {
  const { data } = await gateway.ask('{ statusChanges(first: 1) { nodes { cursor } } }');
  const source =
    'subscription ($after: String) { statusChanged(after: $after) { user { externalUserId } } }';
  const after = data.statusChanges.nodes[0].cursor;

  const refused = await askOverSocket(disposal, gateway, source, { after }, keys.read);
  const told = await askOverSocket(disposal, gateway, source, { after }, keys.both);

  expect(codesOf(refused)).toEqual(['FORBIDDEN']);
  expect(refused.data).toEqual({ statusChanged: { user: { externalUserId: null } } });
  expect(told).toEqual({ data: { statusChanged: { user: { externalUserId: 'ada' } } } });
});

it('the schema carries the directive', () => {
  expect(printSdl(createSchema(PROVIDERS))).toContain('  externalUserId: String @personal\n');
});

it('the log hides what bears its name', () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const personal = findPersonalFieldNames(createSchema(PROVIDERS));
  const log = createLogger({ level: 'info', pretty: false, personal, destination });

  log.info({ user: { external_user_id: 'ada', externalUserId: 'ada', id: 7 } }, 'x');

  expect(lines.join('')).not.toContain('ada');
  expect(lines.join('')).toContain('"id":7');
});
