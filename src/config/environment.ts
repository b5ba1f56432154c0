/** Reads environment variables and collects their faults. */

import type { z } from 'zod';
import type { ProviderId } from '../domain/level';

/** Values by variable name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads variables. A fault names the variable and the expected value, never the actual value: it may be a secret. */
export interface EnvironmentReader {
  readonly faults: readonly string[];

  /**
   * Returns the parsed value, or `fallback` if the variable is unset or empty. If the value is invalid, adds a fault and
   * returns `fallback`, which is then never used.
   */
  read<T, F>(name: string, schema: z.ZodType<T, string>, fallback: F): T | F;

  /** Returns the trimmed value, or `undefined` if it is unset or empty. Compose passes unset variables as empty. */
  text(name: string): string | undefined;

  /** Returns the trimmed, nonempty parts of a comma-separated value. */
  list(name: string): readonly string[];

  /** Adds a fault. @param expected - Completes "must be …". */
  fault(name: string, expected: string): void;

  /** Adds a fault in words of its own. @param problem - Lower case, without a period at the end. */
  report(name: string, problem: string): void;
}

/** Converts `WEBHOOK_SECRETS` and `fractal-id` to `WEBHOOK_SECRETS_FRACTAL_ID`. */
export function toVariable(name: string, provider: ProviderId): string {
  return `${name}_${provider.toUpperCase().replaceAll('-', '_')}`;
}

/** Adds a fault for each variable with this prefix that names no provider, for example `WEBHOOK_SECRETS_SUMSUBB`. */
export function rejectUnknownProviders(
  reader: EnvironmentReader,
  prefix: string,
  names: readonly string[],
  providerIds: readonly ProviderId[],
): void {
  const known = new Set(providerIds.map((id) => toVariable(prefix, id)));
  const unknown = names.filter((name) => name.startsWith(`${prefix}_`) && !known.has(name));
  for (const name of unknown.filter((name) => reader.text(name) !== undefined)) {
    reader.report(name, `unknown variable. Known: ${[...known].join(', ')}`);
  }
}

/** @param origins - The file that each variable was read from. A fault names it. */
export function createEnvironmentReader(
  env: Environment,
  initialFaults: readonly string[] = [],
  origins: Readonly<Record<string, string>> = {},
): EnvironmentReader {
  const faults = [...initialFaults];

  function text(name: string): string | undefined {
    const trimmed = env[name]?.trim();
    return trimmed === '' ? undefined : trimmed;
  }

  function list(name: string): readonly string[] {
    const parts = (text(name) ?? '').split(',').map((part) => part.trim());
    return parts.filter((part) => part !== '');
  }

  function report(name: string, problem: string): void {
    const origin = origins[name];
    const suffix = origin === undefined ? '' : ` (set in ${origin})`;
    faults.push(`${name}: ${problem}${suffix}`);
  }

  function fault(name: string, expected: string): void {
    report(name, `must be ${expected}`);
  }

  return {
    faults,
    text,
    list,
    fault,
    report,
    read(name, schema, fallback) {
      const value = text(name);
      if (value === undefined) return fallback;
      const result = schema.safeParse(value);
      if (result.success) return result.data;
      for (const { message } of result.error.issues) fault(name, message);
      return fallback;
    },
  };
}
