/** After the tests on SQLite. */

import { rmSync } from 'node:fs';
import { dirname } from 'node:path';

export default function clear(): void {
  const file = process.env.TEST_SQLITE_TEMPLATE;
  if (file !== undefined) rmSync(dirname(file), { recursive: true, force: true });
}
