/** GraphQL over HTTP, by the audits of the `graphql-http` package against a whole gateway. */

import { type Audit, type AuditResult, serverAudits } from 'graphql-http';
import { createDisposal } from '../support/disposal';
import { API_KEY, startGateway } from './support/gateway';

const disposal = createDisposal('all');

/** Read when an audit runs, after the gateway has started. */
let url = '';

beforeAll(async () => {
  const gateway = await startGateway(disposal);
  url = `${gateway.url}/graphql`;
});

function audits(): readonly Audit[] {
  return serverAudits({
    url: () => url,
    fetchFn: (input: string, init: RequestInit = {}) => {
      const headers = new Headers({ authorization: `Bearer ${API_KEY}` });
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

// A page cannot send `Authorization` to another site without a preflight, so a GET with credentials is taken.
it('does in every point what it MAY do, GET without a preflight header included', async () => {
  expect(await choices(audits())).toEqual([]);
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
