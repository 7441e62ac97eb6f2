import * as wire from "../wire/error.js";

const messages = {
  bad_op: "not an update that Yjs would make: send it as Yjs wrote it",
  bad_text: "text holds half of a surrogate pair or is not UTF-8: send whole characters",
  missing_dependency: "the update needs content that is not there: apply what came before it first",
  too_large: "the update nests or branches too much: split it",
};

/** Refuses an update or a text, with a message that repeats no content. */
export function refuse(code: keyof typeof messages): never {
  return wire.refuse(code, messages[code]);
}
