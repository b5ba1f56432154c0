/** GraphQL over HTTP, by the audits of the `graphql-http` package against a whole gateway. */

import { type Audit, type AuditResult, serverAudits } from 'graphql-http';
import { createDisposal } from '../support/disposal';
import { API_KEY, startGateway } from './gateway';

const disposal = createDisposal();

/** Asked for when an audit runs: by then there is a gateway. */
let url = '';

beforeEach(async () => {
  const gateway = await startGateway(disposal);
  url = `${gateway.url}/graphql`;
});

/** @param more - Headers beside the credentials. */
function audits(more: Readonly<Record<string, string>> = {}): readonly Audit[] {
  return serverAudits({
    url: () => url,
    fetchFn: (input: string, init: RequestInit = {}) => {
      const headers = new Headers({ ...more, authorization: `Bearer ${API_KEY}` });
      for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
      return fetch(input, { ...init, headers });
    },
  });
}

const BINDING = audits().filter(({ name }) => /^(MUST|SHOULD) /.test(name));

it.each(BINDING.map((audit) => [audit.name, audit] as const))('%s', async (_, audit) => {
  const result = await audit.fn();

  expect([result.status, reasonOf(result)]).toEqual(['ok', '']);
});

/** A GET without a header that only a program can set might come from any page that a browser shows. */
const NOT_TAKEN = [
  'MAY accept application/x-www-form-urlencoded formatted GET requests',
  'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/graphql-response+json',
  'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json',
];

it('MAY do otherwise in three points, and does so for safety', async () => {
  expect(await choices(audits())).toEqual(NOT_TAKEN);
});

it('MAY be asked by GET by whoever shows that they are no page in a browser', async () => {
  expect(await choices(audits({ 'apollo-require-preflight': 'true' }))).toEqual([]);
});

it('is audited in full', () => {
  const names = audits().map(({ name }) => name);

  expect(names.filter((name) => !/^(MUST|SHOULD|MAY) /.test(name))).toEqual([]);
  expect(BINDING).toHaveLength(36);
  expect(names).toHaveLength(61);
});

/** Which of the audits that leave us the choice did not go as they would have it. */
async function choices(all: readonly Audit[]): Promise<readonly string[]> {
  const open = all.filter(({ name }) => name.startsWith('MAY '));
  const results = await Promise.all(open.map((audit) => audit.fn()));
  return results
    .filter(({ status }) => status !== 'ok')
    .map(({ name }) => name)
    .sort();
}

function reasonOf(result: AuditResult): string {
  return result.status === 'ok' ? '' : result.reason;
}
