/** Reads variables one by one and gathers what is wrong with them. */

import type { z } from 'zod';
import type { ProviderId } from '../domain/level';

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Faults by variable; a fault says what was expected, never what was found: it may be a secret. */
export interface EnvironmentReader {
  readonly faults: readonly string[];

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

export function createEnvironmentReader(
  env: Environment,
  earlierFaults: readonly string[] = [],
): EnvironmentReader {
  const faults = [...earlierFaults];

  function text(name: string): string | undefined {
    const trimmed = env[name]?.trim();
    return trimmed === '' ? undefined : trimmed;
  }

  function list(name: string): readonly string[] {
    const parts = (text(name) ?? '').split(',').map((part) => part.trim());
    return parts.filter((part) => part !== '');
  }

  function fault(name: string, expected: string): void {
    faults.push(`${name}: expected ${expected}`);
  }

  return {
    faults,
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
