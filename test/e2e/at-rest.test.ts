/**
 * Fields that the schema marks as personal are never on disk in plaintext. The marks define what to search for: the test
 * stores deliveries with invented values, reads every marked field back, and must not find its values on disk.
 */

import { type GraphQLObjectType, getNamedType, isObjectType } from 'graphql';
import { findPersonalFields, isPersonalField } from '../../src/graphql/request/personal';
import { createSchema } from '../../src/graphql/schema';
import { PROVIDERS } from '../../src/providers/registry';
import { fractalId, p100, paycaddy } from '../store/provider-deliveries';
import { bytesOf, type Cell, cellsOf, change } from '../support/databases';
import { createDisposal } from '../support/disposal';
import { startGateway, type TestGateway } from './support/gateway';
import { about, GREEN } from './support/messages';

const disposal = createDisposal();
const SCHEMA = createSchema(PROVIDERS);

/** In every personal value of these tests, and in nothing else. */
const TAG = 'Quixentio';

/** Deliveries of every provider with personal data in the fields that the adapters read, and in others. */
const DELIVERIES = [
  ['fractal-id', fractalId('verification_approved', 'basic', 'ada', 1)],
  [
    'fractal-id',
    { type: 'email_changed', data: { user_id: 'ada', email: `${TAG}-é@people.example` } },
  ],
  ['sumsub', about('ada', 'applicantReviewed', 2, GREEN)],
  [
    'paycaddy',
    { ...paycaddy('verified', 'ada', 1), fullName: `Ada ${TAG} "Öz" Invented`, age: `${TAG} 41` },
  ],
  ['p100', p100('ada', 'VERIFIED', 'SUCCESSFUL')],
  ['p100', { unreadable: true }],
] as const;

async function keepAll(gateway: TestGateway): Promise<void> {
  for (const [vendor, body] of DELIVERIES) {
    const { status } = await gateway.post(vendor, { ...body, passport: `${TAG} ${vendor}` });
    expect(status).toBe(200);
  }
}

// ── The marks ──────────────────────────────────────────────────────────────────────────────────────────────

/** `Type.field` of marked fields that hold a value themselves. */
function markedLeaves(): readonly string[] {
  return findPersonalFields(SCHEMA)
    .filter(({ field }) => !isObjectType(getNamedType(field.type)))
    .map(({ type, field }) => `${type.name}.${field.name}`);
}

/** A query for all marked fields below the nodes of every connection without required arguments. */
function personalQuery(): string {
  const roots = Object.values(SCHEMA.getQueryType()?.getFields() ?? {}).flatMap((root) => {
    const connection = getNamedType(root.type);
    const nodes = isObjectType(connection) ? connection.getFields().nodes : undefined;
    const type = nodes && getNamedType(nodes.type);
    const marked = isObjectType(type) ? selectionOf(type) : '';
    return marked === '' ? [] : `${root.name}(first: 100) { nodes { ${marked} } }`;
  });
  return `{ ${roots.join(' ')} }`;
}

/** Answers bear the name of the field that they are of. */
function selectionOf(type: GraphQLObjectType): string {
  const selections = Object.values(type.getFields())
    .filter(isPersonalField)
    .map((field) => {
      const inner = getNamedType(field.type);
      const below = isObjectType(inner) ? `{ ${selectionOf(inner)} }` : '';
      const why = field.args.some(({ name }) => name === 'reason') ? '(reason: "a test")' : '';
      return `${type.name}_${field.name}: ${field.name}${why} ${below}`;
    });
  return selections.join(' ');
}

/** By `Type.field`, the values that a client is shown of it. */
async function shown(gateway: TestGateway): Promise<ReadonlyMap<string, readonly string[]>> {
  const { data, errors } = await gateway.ask(personalQuery());
  expect(errors).toBeUndefined();
  const values = new Map<string, string[]>();
  JSON.stringify(data, (name, value: unknown) => {
    if (typeof value !== 'string') return value;
    const field = name.replace('_', '.');
    values.set(field, [...(values.get(field) ?? []), value]);
    return value;
  });
  return values;
}

// ── The search ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Every way in which a careless column could hold it. */
function spellings(value: string): readonly Buffer[] {
  const bytes = Buffer.from(value);
  const text = JSON.stringify(value).slice(1, -1);
  return [
    bytes,
    Buffer.from(text),
    Buffer.from(JSON.stringify(text).slice(1, -1)),
    Buffer.from(value, 'latin1'),
    Buffer.from(value, 'utf16le'),
    Buffer.from(bytes.toString('hex')),
    Buffer.from(bytes.toString('hex').toUpperCase()),
    ...[0, 1, 2].map((offset) => Buffer.from(inBase64(bytes, offset))),
  ];
}

/** The preceding bytes shift the text against the groups of three bytes. Characters that depend on neighboring bytes are left out. */
function inBase64(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}

function holdersOf(cells: readonly Cell[], values: readonly string[]): readonly string[] {
  const wanted = values.flatMap(spellings);
  return cells
    .filter(({ bytes }) => wanted.some((spelling) => bytes.includes(spelling)))
    .map(({ table, column }) => `${table}.${column}`);
}

it('every marked field is kept, and none of them in plain in any column or on the disk', async () => {
  const gateway = await startGateway(disposal);
  await keepAll(gateway);
  const values = await shown(gateway);

  // Otherwise the test proves nothing: give one of the deliveries above a value with the tag for the new field.
  for (const leaf of markedLeaves()) {
    expect([leaf, values.get(leaf)]).toEqual([
      leaf,
      expect.arrayContaining([expect.stringContaining(TAG)]),
    ]);
  }
  const sought = [TAG, ...[...values.values()].flat()];
  const cells = await cellsOf(gateway.config.database);
  expect(cells.length).toBeGreaterThan(100);
  expect(holdersOf(cells, sought)).toEqual([]);

  await gateway.stop();
  const disk = await bytesOf(gateway.config.database);
  expect(sought.flatMap(spellings).filter((spelling) => disk.includes(spelling))).toEqual([]);
});

it('still holds after a replay and a merge', async () => {
  const gateway = await startGateway(disposal);
  await keepAll(gateway);
  await gateway.ask(
    'mutation { linkIdentity(input: { identity: { provider: PAYCADDY, ref: "ada" }, externalUserId: "ada" }) { userErrors { code } } }',
  );
  const { data } = await gateway.ask(
    'mutation { replayDeliveries(input: { provider: P100 }) { deliveries } }',
  );
  expect(data).toMatchObject({ replayDeliveries: { deliveries: 2 } });

  expect(holdersOf(await cellsOf(gateway.config.database), [TAG])).toEqual([]);
});

describe('a column that holds personal data in plain is found', () => {
  it.each<[string, (value: string) => string]>([
    ['as text', (value) => value],
    ['as JSON', (value) => JSON.stringify({ note: value })],
    ['in base64', (value) => Buffer.from(`x${value}`).toString('base64')],
    ['in hexadecimal', (value) => Buffer.from(value).toString('hex')],
  ])('%s', async (_, spell) => {
    const gateway = await startGateway(disposal);
    await keepAll(gateway);
    const { database } = gateway.config;
    const name = (await shown(gateway)).get('Profile.fullName')?.[0] ?? '';
    const text = spell(name).replaceAll("'", "''");

    await change(database, 'CREATE TABLE careless (id integer, note text)');
    await change(database, `INSERT INTO careless VALUES (1, '${text}')`);
    await change(database, `UPDATE settings SET value = '${text}' WHERE name = 'rules'`);

    const found = holdersOf(await cellsOf(database), [name]);
    expect([...found].sort()).toEqual(['careless.note', 'settings.value']);
  });
});
