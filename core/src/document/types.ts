/** A document ready for `_bulk`: everything but the engine is decided (D13: a function of the block alone). */
export interface RenderedDocument {
  /** Index name, by event date (D7). */
  index: string;
  /** Event id, base64url, 35 characters (D3). */
  id: string;
  /** JSON of the document, one line, without `event.ingested`. */
  source: string;
  /** Set when a parser rejected the record or a limit cut it. */
  error?: string;
}
