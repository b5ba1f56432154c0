/** Checks and limits of text. A character is a Unicode code point. */

/** Maximum length of an ID or a name (a type, a status, a level), in characters. A longer one is malformed. */
export const MAX_NAME_LENGTH = 512;

/** Maximum length of a provider's own code of a reason, in characters. */
export const MAX_CODE_LENGTH = 100;

/** Maximum length of a provider's free text, in characters. */
export const MAX_TEXT_LENGTH = 2_000;

/** Maximum number of reasons in one event. */
export const MAX_REASONS = 100;

export function isLongerThan(text: string, max: number): boolean {
  if (text.length <= max) return false;
  return text.length > 2 * max || Array.from(text).length > max;
}

/** Returns the text, or its beginning and `…`, with `max` characters in total. */
export function truncate(text: string, max: number): string {
  if (!isLongerThan(text, max)) return text;
  // Joining characters frees the original text. A slice would keep it in memory.
  const beginning = Array.from(text.slice(0, 2 * max)).slice(0, max - 1);
  return `${beginning.join('')}…`;
}

/** Rejects NUL and unpaired surrogates: no database stores them unchanged, and two different texts must not become equal. */
export function isWellFormedText(text: string): boolean {
  return !/\0|\p{Surrogate}/u.test(text);
}

/** Compares by UTF-16 code units, so the order is the same on every machine. */
export function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
