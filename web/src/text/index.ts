export type { Id } from "./bytes.js";
export { digestInput } from "./digest.js";
export type { Deleted, Splice } from "./document.js";
export { TextError, type TextErrorCode } from "./error.js";
export {
  type Redone,
  type TextAnchor,
  type TextChange,
  type TextEdit,
  type TextOptions,
  TextReplica,
} from "./replica.js";
export { TextUndo } from "./undo.js";
export { mergeUpdates, type Range, skeleton } from "./update.js";
