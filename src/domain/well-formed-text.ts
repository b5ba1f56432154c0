/** Text that is to be stored, and found again. */

/** No database keeps NUL and half a surrogate pair as they are, and two different texts must not become one. */
export function isWellFormedText(text: string): boolean {
  return !/\0|\p{Surrogate}/u.test(text);
}
