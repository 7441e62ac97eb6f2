/**
 * `flowsync-client/yjs` syncs a Y.Doc that you bring, and the Awareness beside
 * it, over a stream of rule crdt-doc or crdt-text, with the client's own queue.
 * Yjs stays yours: the adapter imports it, and no other package.
 */

export { type AwarenessLike, applyAwareness, encodeAwareness } from "./awareness.js";
export { type BindOptions, bindDoc, type DocBinding } from "./binding.js";
export type { DocPresence, DocStream } from "./stream.js";
