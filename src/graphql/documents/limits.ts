/** How much one document may ask for. What it asks is known before it runs, so that nothing of it has to. */

/** All are counted with fragments spread out, as often as they are spread, for each operation by itself. */
export interface DocumentLimits {
  /** Lexical tokens; the first of them too many ends the reading. */
  readonly tokens: number;
  /** Fields inside each other. */
  readonly depth: number;
  /** Fields of the operation itself. */
  readonly rootFields: number;
  /** Fields, and fragments spread. */
  readonly fields: number;
  readonly aliases: number;
  readonly directives: number;
  /** Fragments defined in the document. */
  readonly fragments: number;
  /** See `document-cost.ts`. */
  readonly cost: number;
}
