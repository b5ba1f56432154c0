/** The README and the pages of docs/, and what tests extract from them. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

export const ROOT = join(__dirname, '../..');

/** Paths from the root of the repository. */
export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => posix.join('docs', path))
    .sort(),
];

export interface Block {
  readonly page: string;
  readonly language: string;
  readonly text: string;
}

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** Fenced code blocks of one language on all pages. `''` selects blocks without a language. */
export function findBlocks(...languages: readonly string[]): readonly Block[] {
  return PAGES.flatMap((page) =>
    [...readPage(page).matchAll(/^( *)```(\w*)\n(.*?)^ *```$/gms)]
      .map(([, indent = '', language = '', text = '']) => ({
        page,
        language,
        text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      }))
      .filter(({ language }) => languages.includes(language)),
  );
}

/** The text below a heading, up to the next heading of the same or a higher level. */
export function sectionOf(page: string, heading: string): string {
  const text = readPage(page);
  const start = text.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`${page} has no heading "${heading}"`);
  const [marks = '#'] = heading.split(' ');
  const rest = text.slice(start + heading.length + 2);
  const prose = rest.replaceAll(/^ *```.*?^ *```$/gms, (block) => ' '.repeat(block.length));
  const end = prose.search(new RegExp(`^#{1,${marks.length}} `, 'm'));
  return end < 0 ? rest : rest.slice(0, end);
}

/** Cells of the first column of all tables in `text`: the names in backticks. */
export function firstColumn(text: string): readonly string[] {
  return [...text.matchAll(/^\| (`[^|]*`[^|]*?) *\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );
}

/** The one shell command on a page that contains `marker`, with its continuation lines. */
export function findCommand(page: string, marker: string): string {
  const commands = findBlocks('sh')
    .filter((block) => block.page === page)
    .flatMap(({ text }) => splitCommands(text))
    .filter((command) => command.includes(marker));
  const [command, ...others] = commands;
  if (command === undefined || others.length > 0) {
    throw new Error(`${page} must contain exactly one command with "${marker}"`);
  }
  return command;
}

function splitCommands(block: string): readonly string[] {
  const commands: string[] = [];
  let command = '';
  for (const line of block.split('\n').filter((one) => !one.startsWith('#'))) {
    command += `${line}\n`;
    const isOpen = line.endsWith('\\') || (command.match(/"/g)?.length ?? 0) % 2 === 1;
    if (!isOpen) {
      commands.push(command);
      command = '';
    }
  }
  return commands;
}
