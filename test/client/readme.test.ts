/** What the README shows of the client compiles as TypeScript, and so does a resumable client for links of other libraries. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '..', '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** What the README leaves to the reader. */
const READERS_OWN = `
  declare const url: string, lastCursor: string | undefined, connectionParams: { authorization: string };
  declare function keep(change: unknown): void;
  declare function report(error: unknown): void;
`;

/** Apollo's \`GraphQLWsLink\` and urql's \`subscriptionExchange\` take a client, or what it subscribes with. */
const RESUMABLE_CLIENT = `
  import { type Client, createClient } from 'graphql-ws';
  import { retryUnlessRefused, subscribeFromCursor } from 'kyc-gateway';
  const client = createClient({ url: 'ws://127.0.0.1/graphql', shouldRetry: retryUnlessRefused });
  export const resumable: Client = {
    ...client,
    subscribe: (request, sink) => subscribeFromCursor(client, request, sink),
  };
`;

/** Errors of the compiler, as a reader of the README would see them. */
function errorsIn(source: string, options: ts.CompilerOptions): readonly string[] {
  const name = join(ROOT, 'test', 'client', 'of-the-readme.ts');
  const settings: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
    types: [],
    paths: { 'kyc-gateway': [join(ROOT, 'src', 'index.ts')] },
    ...options,
  };
  const host = ts.createCompilerHost(settings);
  const { readFile, fileExists } = host;
  host.fileExists = (file) => file === name || fileExists(file);
  host.readFile = (file) => (file === name ? source : readFile(file));
  const program = ts.createProgram([name], settings, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ code, messageText }) => `TS${code} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
}

function blockBelow(heading: string): string {
  const section = README.slice(README.indexOf(`### ${heading}\n`));
  const [, block = ''] = /```[jt]s\n(.*?)```/s.exec(section) ?? [];
  return block;
}

describe.each([
  ['strict', {}],
  ['strict with exact optional properties', { exactOptionalPropertyTypes: true }],
])('under %s, the compiler accepts', (_, options) => {
  it('the block about resuming in the README', () => {
    const block = blockBelow('Resume');
    expect(block).toContain('subscribeFromCursor(');
    expect(errorsIn(block + READERS_OWN, options)).toEqual([]);
  });

  it('a stock client that resumes, for the links of other libraries', () => {
    expect(errorsIn(RESUMABLE_CLIENT, options)).toEqual([]);
  });
});
