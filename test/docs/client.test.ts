/** Client samples on the pages compile as TypeScript, and so does a resumable client for links of other libraries. */

import { join } from 'node:path';
import ts from 'typescript';
import { findBlocks, ROOT } from './pages';

/** Names that a sample leaves to the reader. */
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

/** Compiler errors of a sample. */
function errorsIn(source: string, options: ts.CompilerOptions): readonly string[] {
  const name = join(ROOT, 'test', 'docs', 'sample.ts');
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

const SAMPLES = findBlocks('js', 'ts');

describe.each([
  ['strict', {}],
  ['strict with exact optional properties', { exactOptionalPropertyTypes: true }],
])('under %s, the compiler accepts', (_, options) => {
  it.each(SAMPLES)('the sample of $page', ({ text }) => {
    expect(text).toContain('subscribeFromCursor(');
    expect(errorsIn(text + READERS_OWN, options)).toEqual([]);
  });

  it('a stock client that resumes, for the links of other libraries', () => {
    expect(errorsIn(RESUMABLE_CLIENT, options)).toEqual([]);
  });
});

it('README.md and docs/subscriptions.md have a sample', () => {
  expect(SAMPLES.map(({ page }) => page)).toEqual(['README.md', 'docs/subscriptions.md']);
});
