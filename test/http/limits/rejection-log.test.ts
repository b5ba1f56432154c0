/** Who comes again and again does not fill the disk, and what is left out is counted. */

import { createRejectionLog } from '../../../src/http/limits/rejection-log';

it('tells of a hundred at once and five a second after that, and of how many were left out', () => {
  let now = 0;
  const lines: unknown[] = [];
  const tell = createRejectionLog({ warn: (record: unknown) => lines.push(record) }, () => now);
  for (let index = 0; index < 150; index += 1) tell({ index }, 'refused');
  expect(lines).toHaveLength(100);
  expect(lines.at(-1)).toEqual({ index: 99 });

  now += 200;
  tell({ index: 150 }, 'refused');
  tell({ index: 151 }, 'refused');
  expect(lines).toHaveLength(101);
  expect(lines.at(-1)).toEqual({ index: 150, suppressed: 50 });
});
