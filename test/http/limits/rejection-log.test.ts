/** Rate limit of log lines about rejected requests. */

import { createRejectionLog } from '../../../src/http/limits/rejection-log';

it('logs a burst of 100 lines, then five per second, and counts suppressed lines', () => {
  let now = 0;
  const lines: unknown[] = [];
  const logRejection = createRejectionLog(
    { warn: (record: unknown) => lines.push(record) },
    () => now,
  );
  for (let index = 0; index < 150; index += 1) logRejection({ index }, 'refused');
  expect(lines).toHaveLength(100);
  expect(lines.at(-1)).toEqual({ index: 99 });

  now += 200;
  logRejection({ index: 150 }, 'refused');
  logRejection({ index: 151 }, 'refused');
  expect(lines).toHaveLength(101);
  expect(lines.at(-1)).toEqual({ index: 150, suppressed: 50 });
});
