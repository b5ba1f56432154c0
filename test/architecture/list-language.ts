/** Prints banned words below the given paths, by default everywhere, one line each. */

import { join } from 'node:path';
import { findBannedIn, searchedFiles } from './language';

const ROOT = join(__dirname, '../..');

for (const { path, line, words, reason } of findBannedIn(
  ROOT,
  searchedFiles(ROOT, process.argv.slice(2)),
)) {
  console.log(`${path}:${line} "${words}": ${reason}`);
}
