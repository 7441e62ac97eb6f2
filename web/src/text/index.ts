/**
 * Texts that many edit at once: a small replica of a Yjs document that makes and
 * takes the same bytes as Yjs 13.6 (update format v1) and gives the same digest
 * as the Go engine. It reads no clock, draws no randomness and throws nothing but
 * {@link FlowSyncError}.
 *
 * # What the rule crdt-text makes of it
 *
 * | the rule | here |
 * |---|---|
 * | apply a committed `{"op":"update"}` | {@link TextReplica.apply}: `clients` are the ids to enter under the op's author in `authors`, `splices` what the view of a field must do |
 * | check one, `dry` | {@link TextReplica.check}; a conflict of authors is the rule's to find |
 * | an edit in positions on the view | set `client` to the author's document client, then {@link TextReplica.replace}: `update` is the op |
 * | a client that is taken | {@link TextReplica.taken}, while `client` is that one |
 * | carry refused ops | `mergeUpdates([...refused.map(skeleton), next])` |
 * | `hub:initial` with a string | `new TextReplica({ root }).insert(0, value).update`, by document client 0 |
 * | `hub:options` with a root | a new replica with that `root` over {@link Document.encode} |
 * | state · value · digest | {@link Document.encode} in base64 · {@link Document.toString} · SHA-256 of {@link digestInput} |
 *
 * # View and confirmed state
 *
 * Updates commute, so a stream keeps two replicas: the confirmed one takes
 * committed ops alone, the view takes them and own ops in whatever order they
 * come. {@link TextReplica.fork} makes the view once, when the first own op waits,
 * which costs an encoding and a loading; after that both take each committed op,
 * and nothing is copied when own ops come back. When the queue has run empty both
 * are equal. After a rejection the view is forked anew from the confirmed replica,
 * takes what is left of the queue, and edits under another document client.
 * {@link TextUndo} names content by ids and goes on over the new view.
 *
 * The caller splits what it inserts at 64 KiB, makes `\r\n` and `\r` into `\n`,
 * and chooses document clients at random.
 *
 * @module
 */
export type { Id } from "./bytes.js";
export { digestInput } from "./digest.js";
export type { Deleted, Document, Splice } from "./document.js";
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
