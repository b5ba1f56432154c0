/** Commands on the pages exist and have the options that the pages show. */

import { createCommandLine } from '../cli/command-line';
import { PAGES, readPage } from './pages';

const cli = createCommandLine();
afterAll(() => cli.remove());

const GROUPS = ['keys', 'audit'];

/** `kyc-gateway keys create --name x` → `['keys', 'create']` and `['--name']`. */
function findCommands(page: string): readonly { page: string; command: string; options: string }[] {
  const text = readPage(page).replaceAll(/\\\n\s*/g, ' ');
  const found = [
    ...text.matchAll(
      /(?:kyc-gateway|npm run|dist\/src\/cli\/main\.js)(?: --)? ((?:simulate|[a-z]+)\b[^\n`|&;>#]*)/g,
    ),
  ];
  return found.flatMap(([, line = '']) => {
    const words = line
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '--');
    const length = GROUPS.includes(words[0] ?? '') && /^[a-z-]+$/.test(words[1] ?? '') ? 2 : 1;
    const command = words.slice(0, length).join(' ');
    const options = words.filter((word) => /^--[a-z-]+$/.test(word)).join(' ');
    return [{ page, command, options }];
  });
}

/** Scripts of package.json that are no commands. */
const SCRIPTS = [
  'bench',
  'build',
  'docs',
  'drill',
  'drill:order',
  'format',
  'lint',
  'smoke',
  'types',
];

const COMMANDS = PAGES.filter((page) => page !== 'CHANGELOG.md')
  .flatMap(findCommands)
  .filter(({ command }) => !SCRIPTS.includes(command));

it('the pages contain commands', () => {
  expect(COMMANDS.length).toBeGreaterThan(20);
});

it.each(COMMANDS)('$page: `$command $options`', async ({ command, options }) => {
  const { code, out } = await cli.run(...command.split(' '), '--help');
  expect(code).toBe(0);
  expect(out).toContain(`kyc-gateway ${command}`);
  for (const option of options.split(' ').filter((one) => one !== ''))
    expect(out).toContain(option);
});

it('docs/command-line.md lists every command', async () => {
  const { out } = await cli.run('--help');
  const [, list = ''] = out.split('Commands:');
  const commands = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name);
  const page = readPage('docs/command-line.md');
  const missing = commands.filter((name) => name !== 'help' && !page.includes(`| \`${name}`));
  expect(commands.length).toBeGreaterThan(5);
  expect(missing).toEqual([]);
});
