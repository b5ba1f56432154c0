/** Objects in JSON that clients send. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** Neither a list nor `null`. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
