/** "The log has grown": carries no payload and may be lost; the feed polls slowly as a safety net. */

export interface Wakeup {
  /** Those in this process hear it before this returns; telling others is nothing to wait for. Never throws. */
  wake(): void;
  /** @returns a function that stops listening. */
  onWake(listener: () => void): () => void;
  /** From now on others are neither told nor heard. Closing again does nothing. */
  close(): Promise<void>;
}
