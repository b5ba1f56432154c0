/** GraphQL documents and JSON files on the pages are accepted by the gateway. */

import { createEnvironmentReader } from '../../src/config/environment';
import { DEFAULT_DOCUMENT_LIMITS } from '../../src/config/graphql';
import { parsePolicy } from '../../src/config/policy';
import { readTrustedDocuments } from '../../src/config/trusted-documents';
import { createPrepareOperation } from '../../src/graphql/documents/prepare-operation';
import { ALL_DOCUMENTS } from '../../src/graphql/documents/trusted-documents';
import { createSchema } from '../../src/graphql/schema';
import { PROVIDER_IDS, PROVIDERS } from '../../src/providers/registry';
import { findBlocks, PAGES, readPage, sectionOf } from './pages';

const prepareOperation = createPrepareOperation({
  schema: createSchema(PROVIDERS),
  limits: DEFAULT_DOCUMENT_LIMITS,
  introspection: true,
  trusted: ALL_DOCUMENTS,
});

/** Inline code that is a complete query. */
const INLINE = PAGES.flatMap((page) =>
  [...readPage(page).matchAll(/`(\{ \w[^`]*\})`/g)]
    .map(([, text = '']) => ({ page, text }))
    .filter(({ text }) => /^\{ \w+(\([^)]*\))? (\{|\})/.test(text)),
);

function errorsOf(query: string): readonly string[] {
  const text = query.replaceAll('"…"', '"2026-01-01T00:00:00Z"');
  const [, variable] = /\$(\w+)/.exec(text) ?? [];
  const operation = prepareOperation({
    query: text,
    variables: variable === undefined ? {} : { [variable]: 'x' },
    operationName: null,
  });
  return 'errors' in operation ? operation.errors.map(({ message }) => message) : [];
}

it.each(findBlocks('graphql'))('$page: the document is valid: $text', ({ text }) => {
  expect(errorsOf(text)).toEqual([]);
});

it.each(INLINE)('$page: the query is valid: $text', ({ text }) => {
  expect(errorsOf(text)).toEqual([]);
});

it('the pages contain documents', () => {
  expect(findBlocks('graphql').length).toBeGreaterThan(5);
  expect(INLINE.length).toBeGreaterThan(3);
});

it('the policy of docs/statuses.md is a valid policy', () => {
  const [, policy = ''] =
    /```json\n(.*?)```/s.exec(sectionOf('docs/statuses.md', '## Policy')) ?? [];
  const faults: string[] = [];
  parsePolicy(policy, PROVIDER_IDS, (path, expected) => faults.push(`${path}: ${expected}`));
  expect(faults).toEqual([]);
  expect(JSON.parse(policy)).toHaveProperty('verified');
});

it('the trusted documents of docs/graphql.md are a valid list of valid documents', () => {
  const section = sectionOf('docs/graphql.md', '## Trusted documents');
  const [, list = ''] = /```json\n(.*?)```/s.exec(section) ?? [];
  const reader = createEnvironmentReader({
    TRUSTED_DOCUMENTS: 'enforce',
    TRUSTED_DOCUMENTS_FILE: 'documents.json',
  });
  const { texts } = readTrustedDocuments(reader, list);
  expect(reader.faults).toEqual([]);
  expect([...texts.values()].flatMap(errorsOf)).toEqual([]);
  expect(texts.size).toBe(1);
});
