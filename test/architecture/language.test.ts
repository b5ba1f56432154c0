/** Comments, messages, test titles, docs and schema descriptions are plain technical English. */

import { join } from 'node:path';
import { findBanned, findBannedIn, searchedFiles } from './language';

const ROOT = join(__dirname, '../..');

it('no text uses a banned word', () => {
  const files = searchedFiles(ROOT);
  expect(files.length).toBeGreaterThan(500);
  const hits = findBannedIn(ROOT, files).map(
    ({ path, line, words, reason }) => `${path}:${line} "${words}": ${reason}`,
  );
  expect(hits).toEqual([]);
});

it.each([
  ['a.ts', '/** Of whom it is known whether they are among them. */'],
  ['a.ts', '// closes it, so that nobody waits'],
  ['a.ts', "throw new Error('the store is told about it');"],
  ['a.ts', 'const text = `the behaviour of x is final`;'],
  ['a.md', 'Whoever holds the secret may post.'],
])('finds the banned word in %s: %s', (path, text) => {
  expect(findBanned(path, text)).not.toEqual([]);
});

it.each([
  ['a.ts', '/** Keys whose tombstone has already been looked up. */'],
  ['a.ts', 'const heard = told(news);'],
  ['a.ts', "const sql = 'SELECT told FROM news WHERE x';"],
  ['a.md', 'Set `VENDOR_NEWS` to `true`.'],
])('does not search code in %s: %s', (path, text) => {
  expect(findBanned(path, text)).toEqual([]);
});
