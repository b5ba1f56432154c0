/** Renders docs/configuration.md and `.env.example` from the table of variables. */

import { VARIABLE_GROUPS, type Variable, type VariableGroup } from '../../src/config/variables';

const INTRODUCTION = `# Configuration

For the person who installs the gateway. This page is generated from
\`src/config/variable-table.json\`: change that file and run \`npm run docs\`.

The gateway reads environment variables only, once, at the start. It reports all faults together,
without values. An empty variable counts as unset. A variable with an unknown name close to a known
one is a fault.

Outside production, \`.env\` in the working directory sets the variables that the environment leaves
unset (copy [\`.env.example\`](../.env.example)), and missing secrets are generated once into
\`DATA_DIR\`. "Generated" below applies outside production only.

Production requires \`DATA_KEYS\` and the secrets of at least one provider.
`;

export function renderConfigurationPage(): string {
  return `${[INTRODUCTION, ...VARIABLE_GROUPS.map(renderGroup)].join('\n')}`;
}

function renderGroup({ title, note, variables }: VariableGroup): string {
  const rows = variables.map(
    (variable) => `| \`${variable.name}\` | ${variable.description} | ${defaultOf(variable)} |`,
  );
  const table = ['| variable | meaning | default |', '| --- | --- | --- |', ...rows];
  return [`## ${title}`, '', ...(note ? [note, ''] : []), ...table, ''].join('\n');
}

function defaultOf(variable: Variable): string {
  const { defaultNote, defaultInProduction } = variable;
  if (variable.default === undefined) return defaultNote ?? 'none';
  const usual = `\`${variable.default}\``;
  return defaultInProduction ? `${usual}; \`${defaultInProduction}\` in production` : usual;
}

const EXAMPLE_HEAD = `# Every variable that the gateway reads. Generated from src/config/variable-table.json by \`npm run docs\`.
# Copy to .env for development. The file is optional: missing secrets are generated once into DATA_DIR.
# With NODE_ENV=production, only the environment of the process is read and nothing is generated.
`;
const WIDTH = 100;

export function renderEnvExample(): string {
  return [EXAMPLE_HEAD, ...VARIABLE_GROUPS.map(renderExampleGroup)].join('\n');
}

function renderExampleGroup({ title, note, variables }: VariableGroup): string {
  const head = [`# ── ${title}`, ...(note ? toComment(note) : []), ''];
  const entries = variables.map((variable) =>
    [
      ...toComment(`${variable.description} Default: ${defaultOf(variable)}`),
      `${variable.name}=`,
      '',
    ].join('\n'),
  );
  return [...head, ...entries].join('\n');
}

/** Comment lines of at most 100 characters, without Markdown links and without sentences that only link. */
function toComment(markdown: string): readonly string[] {
  const link = String.raw`\[[^\]]*\]\([^)]*\)`;
  const references = new RegExp(` ?See ${link}( and ${link})?\\.|; see ${link}`, 'g');
  const text = markdown.replaceAll(references, '');
  const plain = text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim();
  const lines: string[] = [];
  let line = '#';
  for (const word of plain.split(' ').filter((one) => one !== '')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '#';
    }
    line = `${line} ${word}`;
  }
  return line === '#' ? lines : [...lines, line];
}
