/** Where a running gateway is to be found. */

import { InvalidArgumentError } from 'commander';
import type { Config } from '../config/load-config';
import { CliError } from './context';

/** Where a gateway with this configuration listens, seen from the same machine. */
export function configuredUrl({ host, port }: Config): string {
  if (port === 0) throw new CliError('PORT is 0: say with --url where the gateway listens.');
  const everywhere = host === '0.0.0.0' || host === '::';
  const name = everywhere ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** The value of `--url`, without a slash at its end. */
export function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('Expected an http: or https: URL.');
  }
  return url.href.replace(/\/+$/, '');
}
