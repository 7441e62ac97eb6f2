/** Why an update or a text was refused. The names are those of the protocol. */
export type TextErrorCode = "bad_op" | "bad_text" | "missing_dependency" | "too_large";

/**
 * What a replica refuses, it refuses with this error. `code` tells what to do:
 * drop the input (`bad_op`, `bad_text`), split it (`too_large`), or bring what it
 * depends on first (`missing_dependency`). It never repeats content.
 */
export class TextError extends Error {
  constructor(
    readonly code: TextErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** The input is not what Yjs would have written. */
export const malformed = (what: string) =>
  new TextError("bad_op", `${what}; send the update as Yjs wrote it`);
