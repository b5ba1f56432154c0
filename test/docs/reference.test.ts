/** Tables and names on the pages match the sources: error codes, scopes, metrics, log messages, imports. */

import { SCOPES } from '../../src/access/principal';
import { END_USER_REASON_CODES } from '../../src/domain/end-user-reasons';
import { ERROR_CODES, SIGNATURE_FAILURES } from '../../src/domain/errors';
import { REASON_CODES } from '../../src/domain/event';
import { ATTEMPT_STATUSES, DISPOSITIONS } from '../../src/domain/status';
import { CLOSE } from '../../src/http/websocket/guarded-socket';
import { MAY_IMPORT } from '../architecture/rules';
import { readSources } from '../architecture/source-file';
import { firstColumn, PAGES, readPage, sectionOf } from './pages';

const SOURCES = readSources('src');

/** Codes of GraphQL that are not in `ERROR_CODES`: those of Apollo Server and of the limits of a document. */
const GRAPHQL_CODES = [
  'BAD_REQUEST',
  'BAD_USER_INPUT',
  'DOCUMENT_NOT_TRUSTED',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
];

function codesOfLimits(): readonly string[] {
  const table = sectionOf('docs/graphql.md', '## Limits of a document');
  return [...table.matchAll(/`(TOO_[A-Z_]+)`/g)].map(([, code = '']) => code);
}

/** Cells of one table, row by row. */
function rowsOf(section: string): readonly (readonly string[])[] {
  const rows = [...section.matchAll(/^\| (.*) \|$/gm)].map(([, row = '']) =>
    row.split(' | ').map((cell) => cell.trim()),
  );
  return rows.slice(2);
}

it('docs/errors.md lists every error code, in order', () => {
  const listed = firstColumn(sectionOf('docs/errors.md', '## Codes'));
  const codes = [...ERROR_CODES, ...GRAPHQL_CODES, ...codesOfLimits()];
  expect(listed).toEqual([...new Set(codes)].sort());
});

it('docs/errors.md lists every user error code', () => {
  const sdl = readPage('schema/schema.graphql');
  const [, values = ''] = /^enum UserErrorCode \{(.*?)^\}/ms.exec(sdl) ?? [];
  const codes = [...values.matchAll(/^ {2}([A-Z_]+)$/gm)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(3);
  expect(firstColumn(sectionOf('docs/errors.md', '## User errors'))).toEqual(codes);
});

it('docs/errors.md lists every disposition', () => {
  expect(firstColumn(sectionOf('docs/errors.md', '## Dispositions'))).toEqual(DISPOSITIONS);
});

it('docs/graphql.md lists the limits with the variables and codes of the sources', () => {
  const rows = rowsOf(sectionOf('docs/graphql.md', '## Limits of a document'));
  const text = SOURCES.map((source) => source.text).join('\n');
  const missing = rows
    .flat()
    .flatMap((cell) => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name))
    .filter((name) => !text.includes(`'${name}'`));
  expect(rows).toHaveLength(8);
  expect(missing).toEqual([]);
});

it('docs/subscriptions.md lists every close code', () => {
  const rows = rowsOf(sectionOf('docs/subscriptions.md', '## Close codes'));
  const listed = rows.map(([code]) => Number(code));
  const ofLibraries = [1009, 4408]; // ws and graphql-ws
  expect(listed).toEqual([...Object.values(CLOSE), ...ofLibraries].sort((a, b) => a - b));
});

it('docs/statuses.md lists every attempt status', () => {
  const listed = firstColumn(sectionOf('docs/statuses.md', '## Attempt statuses'));
  expect([...listed].sort()).toEqual([...ATTEMPT_STATUSES].sort());
});

it('docs/access.md lists every scope', () => {
  expect(firstColumn(sectionOf('docs/access.md', '## API keys'))).toEqual(SCOPES);
});

it('docs/access.md lists the reasons that end users see, and those that they do not', () => {
  const section = sectionOf('docs/access.md', '### Reasons that end users see');
  const [shown = '', hidden = ''] = section.split('All other reasons');
  const codesIn = (text: string) => REASON_CODES.filter((code) => text.includes(`\`${code}\``));
  expect(codesIn(shown)).toEqual(END_USER_REASON_CODES);
  expect([...codesIn(shown), ...codesIn(hidden)].sort()).toEqual([...REASON_CODES].sort());
});

it('docs/operations.md lists every reason for a rejected webhook', () => {
  const listed = firstColumn(sectionOf('docs/operations.md', '## Rejected webhooks'));
  expect(listed).toEqual(SIGNATURE_FAILURES);
});

it('every metric on a page exists', () => {
  const text = SOURCES.map((source) => source.text).join('\n');
  const named = PAGES.filter((page) => page !== 'CHANGELOG.md').flatMap((page) =>
    [...readPage(page).matchAll(/\bkyc_[a-z_]+/g)].map(([name]) => name),
  );
  const metrics = [...new Set(named)].filter(
    (name) => !/^kyc_(restored|ci|provider)_?$/.test(name),
  );
  const missing = metrics.filter((name) => !text.includes(`'${name.replace(/_bucket$/, '')}'`));
  expect(metrics.length).toBeGreaterThan(15);
  expect(missing).toEqual([]);
});

it('every log message of docs/operations.md exists', () => {
  const section = sectionOf('docs/operations.md', '## Log messages');
  const messages = rowsOf(section)
    .map(([first = '']) => first)
    .flatMap((cell) => [...cell.matchAll(/`([a-z][^`]* [^`]*)`/gi)].map(([, text = '']) => text));
  const text = SOURCES.map((source) => source.text).join('\n');
  const missing = messages.filter((message) => !text.includes(message.replace(/SIGTERM$/, '')));
  expect(messages.length).toBeGreaterThan(15);
  expect(missing).toEqual([]);
});

it('every log message in the prose of docs/operations.md exists', () => {
  const prose = readPage('docs/operations.md').replaceAll(/^ *```.*?^ *```$/gms, '');
  const messages = [...prose.matchAll(/`([a-z]+(?: [a-z-]+){2,})`/g)].map(([, text = '']) => text);
  const text = SOURCES.map((source) => source.text).join('\n');
  expect(messages.length).toBeGreaterThan(2);
  expect(messages.filter((message) => !text.includes(message))).toEqual([]);
});

it('the import table of docs/architecture.md is the one that the tests enforce', () => {
  const rows = rowsOf(sectionOf('docs/architecture.md', '## Import table'));
  const names = (cell = '') => [...cell.matchAll(/`(\w+)`|everything/g)].map((m) => m[1] ?? m[0]);
  const listed = rows.flatMap(([parts, all, types]) =>
    names(parts).map((part) => [part, { all: names(all), types: names(types) }]),
  );
  const enforced = Object.entries(MAY_IMPORT).map(([part, { all, types = [] }]) => [
    part,
    { all, types },
  ]);
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(enforced));
});
