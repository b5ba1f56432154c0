/** Links between pages, sources and tests resolve, and the pages have the promised form. */

import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { PAGES, ROOT, readPage } from './pages';

const MAX_README_LINES = 220;

function withoutCode(text: string): string {
  return text.replaceAll(/^ *```.*?^ *```$/gms, '');
}

/** As GitHub derives them from headings. */
function anchorsOf(page: string): ReadonlySet<string> {
  const headings = [...withoutCode(readPage(page)).matchAll(/^#+ (.*)$/gm)];
  return new Set(
    headings.map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Targets of relative links that do not resolve. */
function brokenLinks(page: string): readonly string[] {
  const links = [...withoutCode(readPage(page)).matchAll(/\]\(([^)\s]+)\)/g)];
  return links
    .map(([, target = '']) => target)
    .filter((target) => !/^(https?:|mailto:)/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : posix.join(posix.dirname(page), path);
      if (!existsSync(join(ROOT, file))) return true;
      return anchor !== undefined && !anchorsOf(file).has(anchor);
    });
}

it.each(PAGES)('%s has no broken link', (page) => {
  expect(brokenLinks(page)).toEqual([]);
});

/** A generated page may name a file of the sources. */
it.each(PAGES)('%s names only files that exist', (page) => {
  const named = [
    ...readPage(page).matchAll(/`((?:src|test|bench|docs|migrations|schema)\/[\w./-]+)`/g),
  ];
  const missing = named
    .map(([, path = '']) => path)
    .filter((path) => !/acme/i.test(path) && !existsSync(join(ROOT, path)));
  expect(missing).toEqual([]);
});

it('the README links to every page', () => {
  const linked = new Set(
    [...readPage('README.md').matchAll(/\]\(([^)#\s]+)/g)].map(([, target]) => target),
  );
  const pages = PAGES.filter((page) => page !== 'README.md');
  expect(pages.filter((page) => !linked.has(page))).toEqual([]);
});

it(`the README has at most ${MAX_README_LINES} lines`, () => {
  expect(readPage('README.md').split('\n').length - 1).toBeLessThanOrEqual(MAX_README_LINES);
});

it.each(PAGES.filter((page) => page.startsWith('docs/')))(
  '%s starts with its title and its readers',
  (page) => {
    expect(readPage(page)).toMatch(/^# .+\n\nFor [a-z]/);
  },
);

it('every promise of the README links to a test', () => {
  const [, section = ''] = /\n## Promises\n(.*?)\n## /s.exec(readPage('README.md')) ?? [];
  const promises = section.split('\n- ').slice(1);
  expect(promises.length).toBeGreaterThan(5);
  expect(promises.filter((promise) => !/\]\(test\/[^)]+\.ts\)/.test(promise))).toEqual([]);
});

it.each(PAGES)('%s names identifiers that exist in the named files', (page) => {
  const text = readPage(page).replaceAll(/\s+/g, ' ');
  const named = [...text.matchAll(/`([A-Za-z_]+)` in `((?:src|test)\/[\w./-]+\.ts)`/g)];
  const missing = named
    .filter(([, name = '', path = '']) => !new RegExp(`\\b${name}\\b`).test(readPage(path)))
    .map(([found]) => found);
  expect(missing).toEqual([]);
});
