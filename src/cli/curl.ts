/** GraphQL requests as lines to paste into a shell. */

/**
 * @param apiKey - `null` where the configuration holds none: then the line reads the shell's variable `KYC_API_KEY`.
 */
export function curl(url: string, apiKey: string | null, query: string): string {
  const authorization =
    apiKey === null
      ? '"authorization: Bearer $KYC_API_KEY"'
      : quote(`authorization: Bearer ${apiKey}`);
  const body = quote(JSON.stringify({ query }));
  return [
    `curl -s ${quote(`${url}/graphql`)}`,
    `-H ${authorization}`,
    `-H 'content-type: application/json'`,
    `-d ${body}`,
  ].join(' ');
}

/** As one word of a POSIX shell, whatever it holds. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
