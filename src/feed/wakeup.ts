/** "The log has grown": carries no payload and may be lost; the feed polls slowly as a safety net. */

export interface Wakeup {
  wake(): void;
  /** @returns a function that stops listening. */
  onWake(listener: () => void): () => void;
}
