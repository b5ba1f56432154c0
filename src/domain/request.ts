/** What came over the wire, before anybody has read it. */

export interface WebhookRequest {
  /** Header names in lower case. A header sent twice is joined with `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The body as received, byte for byte. */
  readonly rawBody: Buffer;
  /** What follows `/webhooks/:provider` in the path, percent-decoded, without a leading slash; `''` if nothing does. */
  readonly subpath: string;
}
