/** Why an update or a text was refused. The names are those of the protocol. */
export type TextErrorCode = "bad_op" | "bad_text" | "missing_dependency" | "too_large";

const messages: Record<TextErrorCode, string> = {
  bad_op: "not an update that Yjs would make: send it as Yjs wrote it",
  bad_text: "text holds half of a surrogate pair or is not UTF-8: send whole characters",
  missing_dependency: "the update needs content that is not there: apply what came before it first",
  too_large: "the update nests or branches too much: split it",
};

/**
 * What a replica refuses, it refuses with this error. Branch on `code`; the
 * message never repeats content.
 */
export class TextError extends Error {
  constructor(readonly code: TextErrorCode) {
    super(messages[code]);
  }
}

/** Throws a {@link TextError}. */
export function refuse(code: TextErrorCode): never {
  throw new TextError(code);
}
