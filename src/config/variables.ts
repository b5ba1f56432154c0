/**
 * Every environment variable: the source of docs/configuration.md, of `.env.example` and of the check for misspelled names.
 * The table is `variable-table.json`.
 */

import groups from './variable-table.json';

export interface Variable {
  readonly name: string;
  /** Markdown sentences: meaning, format and unit. Links are relative to docs/. */
  readonly description: string;
  /** Value that the variable has if it is unset. */
  readonly default?: string;
  /** The same in production, if it differs. */
  readonly defaultInProduction?: string;
  /** Replaces the default in the documentation if it is not one value. */
  readonly defaultNote?: string;
}

export interface VariableGroup {
  readonly title: string;
  /** Markdown paragraph below the title. */
  readonly note?: string;
  readonly variables: readonly Variable[];
}

export const VARIABLE_GROUPS: readonly VariableGroup[] = groups;

export const VARIABLE_NAMES: ReadonlySet<string> = new Set(
  VARIABLE_GROUPS.flatMap(({ variables }) => variables.map(({ name }) => name)),
);
