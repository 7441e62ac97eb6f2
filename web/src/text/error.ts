import * as wire from "../wire/error.js";

type Refusal = "bad_op" | "bad_text" | "missing_dependency" | "too_large";

/** Refuses an update or a text. The code says why; the message repeats no content. */
export function refuse(code: Refusal): never {
  return wire.refuse(code, "the document cannot take this", "updates go as Yjs made them, in their order");
}
