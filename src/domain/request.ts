/** What came over the wire, before anybody has read it. */

/** Part of a webhook that arrives before its body. */
export interface WebhookHead {
  /** Header names in lower case. A header sent twice is joined with `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** What follows `/webhooks/:provider` in the path, percent-decoded, without a leading slash; `''` if nothing does. */
  readonly subpath: string;
}

export interface WebhookRequest extends WebhookHead {
  /** The body as received, byte for byte. */
  readonly rawBody: Buffer;
}
