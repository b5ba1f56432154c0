/** URL of a running gateway, and requests to it. */

import { InvalidArgumentError } from 'commander';
import type { Config } from '../config/load-config';
import { CliError } from './context';

/** Returns the URL of a gateway with this configuration on the same machine. */
export function toGatewayUrl({ host, port }: Config): string {
  if (port === 0)
    throw new CliError(
      'PORT is 0, so the port of the gateway is unknown. Pass its URL with --url.',
    );
  const isWildcard = host === '0.0.0.0' || host === '::';
  const hostname = isWildcard ? 'localhost' : host;
  return `http://${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
}

/** Parses the value of `--url`. Removes trailing slashes. */
export function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('The URL must start with http: or https:.');
  }
  return url.href.replace(/\/+$/, '');
}

/**
 * Formats a GraphQL request as a `curl` command.
 *
 * @param apiKey - If null, the command reads the shell variable `KYC_API_KEY`.
 */
export function formatCurl(url: string, apiKey: string | null, query: string): string {
  const authorization =
    apiKey === null
      ? '"authorization: Bearer $KYC_API_KEY"'
      : quoteForShell(`authorization: Bearer ${apiKey}`);
  const body = quoteForShell(JSON.stringify({ query }));
  return [
    `curl -s ${quoteForShell(`${url}/graphql`)}`,
    `-H ${authorization}`,
    `-H 'content-type: application/json'`,
    `-d ${body}`,
  ].join(' ');
}

/** Quotes text as one word of a POSIX shell. */
function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
