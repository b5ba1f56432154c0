/** Reads variables one by one and gathers what is wrong with them. */

import type { z } from 'zod';
import type { ProviderId } from '../domain/level';

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Faults by variable; a fault says what was expected, never what was found: it may be a secret. */
export interface EnvironmentReader {
  readonly faults: readonly string[];

  /** Names of the variables that were read so far, set or not. */
  readonly known: ReadonlySet<string>;

  /**
   * What the variable holds, or `fallback` if it is unset, empty, or not as `schema` wants it; in the last case there is
   * a fault, so that the fallback is never used.
   */
  read<T, F>(name: string, schema: z.ZodType<T, string>, fallback: F): T | F;

  /** The variable without surrounding blanks; `undefined` if it is unset or empty: an empty one is what Compose passes. */
  text(name: string): string | undefined;

  /** Its parts between commas, without surrounding blanks; empty ones are left out. */
  list(name: string): readonly string[];

  /** @param expected - Completes "expected …". */
  fault(name: string, expected: string): void;
}

/** `WEBHOOK_SECRETS` and `fractal-id` → `WEBHOOK_SECRETS_FRACTAL_ID`. */
export function variableOf(name: string, provider: ProviderId): string {
  return `${name}_${provider.toUpperCase().replaceAll('-', '_')}`;
}

/** A fault for each variable of this kind that is set and names no provider, as in `WEBHOOK_SECRETS_SUMSUBB`. */
export function rejectUnknownProviders(
  reader: EnvironmentReader,
  kind: string,
  names: readonly string[],
  providerIds: readonly ProviderId[],
): void {
  const known = new Set(providerIds.map((id) => variableOf(kind, id)));
  const unknown = names.filter((name) => name.startsWith(`${kind}_`) && !known.has(name));
  for (const name of unknown.filter((name) => reader.text(name) !== undefined)) {
    reader.fault(name, `to be one of ${[...known].join(', ')}`);
  }
}

/** @param origins - The file that a variable was read from, by name of the variable; a fault shows it. */
export function createEnvironmentReader(
  env: Environment,
  earlierFaults: readonly string[] = [],
  origins: Readonly<Record<string, string>> = {},
): EnvironmentReader {
  const faults = [...earlierFaults];
  const known = new Set<string>();

  function text(name: string): string | undefined {
    known.add(name);
    const trimmed = env[name]?.trim();
    return trimmed === '' ? undefined : trimmed;
  }

  function list(name: string): readonly string[] {
    const parts = (text(name) ?? '').split(',').map((part) => part.trim());
    return parts.filter((part) => part !== '');
  }

  function fault(name: string, expected: string): void {
    const origin = origins[name];
    const where = origin === undefined ? '' : ` (set in ${origin})`;
    faults.push(`${name}: expected ${expected}${where}`);
  }

  return {
    faults,
    known,
    text,
    list,
    fault,
    read(name, schema, fallback) {
      const given = text(name);
      if (given === undefined) return fallback;
      const reading = schema.safeParse(given);
      if (reading.success) return reading.data;
      for (const { message } of reading.error.issues) fault(name, message);
      return fallback;
    },
  };
}
