/** Tests that unassigned deliveries that mention a person are found, with any escapes, in chunks of bounded size. */

import { createKeyRing } from '../../../src/encryption/key-ring';
import type { Connection } from '../../../src/store/database/database';
import { findMentions } from '../../../src/store/erasure/find-mentions';
import { openTestStore } from '../open-test-store';
import { delivery } from '../provider-deliveries';

const NOW = new Date('2024-06-01T12:00:00Z');
const KEYS = [{ id: 'test', key: Buffer.alloc(32, 7) }] as const;
const keyRing = createKeyRing(KEYS);

/** Returns a connection with these bodies, and the number of bytes read per query. */
function holding(bodies: readonly Buffer[]) {
  const sealed = bodies.map((body) => keyRing.current.cipher.encrypt(body, 'delivery.body'));
  const asked: number[] = [];
  const query = async (sql: string, [given]: readonly unknown[] = []) => {
    const rows = sealed.map((body, index) => ({
      id: index + 1,
      size: body.length,
      subpath: '',
      body,
      bodyKeyId: 'test',
    }));
    if (Array.isArray(given)) {
      const found = rows.filter(({ id }) => given.includes(id));
      asked.push(found.reduce((sum, { size }) => sum + size, 0));
      return found;
    }
    const limit = Number(/LIMIT (\d+)/.exec(sql)?.[1]);
    const behind = rows.filter(({ id }) => id > Number(given)).slice(0, limit);
    if (/subpath, body,/.test(sql)) asked.push(behind.reduce((sum, { size }) => sum + size, 0));
    return behind;
  };
  return { connection: { query } as unknown as Connection, asked };
}

async function isFound(body: string, word: string): Promise<boolean> {
  const { connection } = holding([Buffer.from(body)]);
  return (await findMentions(connection, keyRing, [word])).ids.length > 0;
}

describe('an unassigned delivery', () => {
  it.each([
    ['unescaped', '{"user":"ada"}', 'ada'],
    ['in a list', '["x", "ada"]', 'ada'],
    ['in malformed JSON', '{"user": "ada", "broken', 'ada'],
    ['with escaped letters', '{"user":"\\u0061d\\u0061"}', 'ada'],
    ['with escaped slashes', '{"user":"of\\/ada"}', 'of/ada'],
    ['with a quotation mark', '{"user":"a \\"da\\""}', 'a "da"'],
    ['in JSON inside a string', '{"body":"{\\"user\\":\\"ada\\"}"}', 'ada'],
    ['in another letter case', '{"email":"ADA@Example.test"}', 'Ada@example.test'],
    ['with characters that are special in patterns', '{"user":"a.d+a"}', 'a.d+a'],
    ['as a long number', '{"user":123456789}', '123456789'],
    ['as a long number inside a string', '{"user":"no. 123456789"}', '123456789'],
  ])('with a term %s is found', async (_, body, word) => {
    expect(await isFound(body, word)).toBe(true);
  });

  it.each([
    ['a field name', '{"email":"bo@example.test", "email" : 1}', 'email'],
    ['a part of another string', '{"user":"adalbert"}', 'ada'],
    ['a string that a dot would match', '{"user":"abda"}', 'a.da'],
    ['a short number', '{"count":7}', '7'],
    ['an ID that is too short', '{"version":"v1"}', 'v1'],
    ['an ID in another letter case', '{"applicantType":"Individual"}', 'individual'],
    ['digits of a longer number', '{"at":1234567890123}', '1234567'],
  ])('with a term as %s is not found', async (_, body, word) => {
    expect(await isFound(body, word)).toBe(false);
  });
});

it('reads all bodies in chunks of bounded size', async () => {
  const large = Buffer.from(`{"user":"ada","filling":"${'x'.repeat(1024 * 1024)}"}`);
  const { connection, asked } = holding(Array.from({ length: 12 }, () => large));
  const { ids, lastId } = await findMentions(connection, keyRing, ['ada']);
  expect(ids).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  expect(lastId).toBe(12);
  expect(Math.max(...asked)).toBeLessThan(6 * 1024 * 1024);
});

it('an erasure empties the deliveries that mention the person, and no others', async () => {
  const { store } = await openTestStore();
  await store.createUser({ externalUserId: 'email', auditActor: 'desk', now: NOW });
  const user = await store.read.userByExternalId('email');
  for (const unread of [
    '{"email":"bo@example.test"}',
    '{"who":"email"}',
    '{"who":"\\u0065mail"}',
  ]) {
    await store.record(delivery('sumsub', unread, NOW));
  }
  const command = { reason: null, changeActor: 'desk', auditActor: 'desk', now: NOW };
  await store.erasures.erase({ userId: user?.id ?? 0, ...command });
  const bodies = await store.read.rawBodiesOf([1, 2, 3]);
  expect(bodies.map((body) => body !== null)).toEqual([true, false, false]);
});
