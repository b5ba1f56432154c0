/** Told of what the servers do, so that it can be counted. Called often: it has to be quick, and must not throw. */

/** Where credentials are shown. */
export type EntryPoint = 'http' | 'websocket' | 'metrics';

export interface Observer {
  /**
   * A webhook was answered.
   *
   * @param provider - As the path names it: perhaps nobody we know.
   * @param outcome - Disposition of what was kept, `DUPLICATE`, or the code of the error with which it was refused.
   */
  webhook(provider: string, outcome: string): void;
  /** A webhook did not prove that its vendor sent it. @param reason - One of `SIGNATURE_REFUSALS`. */
  unproven(provider: string, reason: string): void;
  /** A query or mutation was answered, or a subscription opened. @param outcome - `OK`, or the code of the first error. */
  operation(transport: 'http' | 'websocket', outcome: string): void;
  /** Bad credentials were shown. @param reason - One of `REFUSALS`. */
  refused(door: EntryPoint, reason: string): void;
  /** An answer to `/graphql` over HTTP was ready. */
  answered(durationMs: number): void;
  /** A connection was closed because its client did not read. */
  slowConsumer(): void;
}

/** Counts nothing. */
export const UNOBSERVED: Observer = {
  webhook() {},
  unproven() {},
  operation() {},
  refused() {},
  answered() {},
  slowConsumer() {},
};
