/** Queries a running gateway over GraphQL. */

/** @throws {Error} If the response is missing or contains errors. */
export type Ask = <Data>(query: string, variables?: Record<string, unknown>) => Promise<Data>;

export function createAsk(url: string, apiKey: string): Ask {
  return async <Data>(query: string, variables: Record<string, unknown> = {}) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const answer: unknown = await response.json();
    if (!isAnswer<Data>(answer)) {
      throw new Error(`expected an answer, not ${response.status}: ${JSON.stringify(answer)}`);
    }
    return answer.data;
  };
}

/** Checks only the envelope. The schema guarantees the shape of the data. */
function isAnswer<Data>(answer: unknown): answer is { readonly data: Data } {
  return typeof answer === 'object' && answer !== null && 'data' in answer && !('errors' in answer);
}

interface Connection<Row> {
  readonly nodes: readonly Row[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/**
 * All rows of a connection, page after page.
 *
 * @param field - Field of the connection, for example `users`.
 * @param selection - Selection set of one node.
 * @param args - Further arguments in GraphQL syntax.
 */
export async function askForAll<Row>(
  ask: Ask,
  field: string,
  selection: string,
  args = '',
): Promise<readonly Row[]> {
  const query = `query ($after: String) {
    page: ${field}(first: 100, after: $after ${args}) {
      nodes { ${selection} } pageInfo { hasNextPage endCursor }
    }
  }`;
  const rows: Row[] = [];
  for (let after: string | null = null, more = true; more; ) {
    const { page }: { page: Connection<Row> } = await ask(query, { after });
    rows.push(...page.nodes);
    ({ hasNextPage: more, endCursor: after } = page.pageInfo);
  }
  return rows;
}
