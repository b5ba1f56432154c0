/** The CI workflow tests every Node.js version that `engines` allows. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './pages';

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

it('the CI workflow runs on the first version of each range of `engines`', () => {
  const { engines } = JSON.parse(read('package.json'));
  const majors = engines.node.split(' || ').map((range: string) => range.replace(/^\^/, ''));
  const [, matrix = ''] = /node: \[(.*)\]/.exec(read('.github/workflows/ci.yml')) ?? [];
  const tested = matrix.split(', ').map((version) => JSON.parse(version));
  expect(tested.map((version: string) => version.split('.')[0])).toEqual(
    majors.map((version: string) => version.split('.')[0]),
  );
  for (const [index, version] of tested.entries()) {
    expect(majors[index].startsWith(version)).toBe(true);
  }
});

it('.nvmrc and the image use the newest of them', () => {
  const newest = read('.nvmrc').trim();
  expect(read('.github/workflows/ci.yml')).toContain(`"${newest}"]`);
  expect(read('Dockerfile')).toContain(`FROM node:${newest}-`);
});
