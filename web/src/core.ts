/**
 * The FlowSync client without React.
 *
 * @module
 */
export { bindTextarea } from "./bind-textarea.js";
export { FlowSyncClient } from "./client.js";
export type { DocEvent } from "./doc-event.js";
export type { ClientEvents, Status, StorageHealth } from "./events.js";
export type {
  HistoryEntry,
  Pushed,
  Settled,
  StreamHandle,
  StreamMeta,
  StreamOptions,
  StreamPresence,
} from "./handle.js";
export type { TextHandle } from "./live-text.js";
export type { StatusName, TokenReason } from "./machine/effect.js";
export type { DeadLetter } from "./machine/saved.js";
export type { ClientOptions } from "./options.js";
export { localStorageStorage } from "./storage/local.js";
export { memoryStorage } from "./storage/memory.js";
export type { Change, QueueStorage } from "./storage/storage.js";
export type { Splice } from "./text/document.js";
export type { TextAnchor } from "./text/replica.js";
export type { AuthToken, TokenRequest } from "./token.js";
export type { Json } from "./wire/canonical.js";
export { type Code, FlowSyncError } from "./wire/error.js";
export type { As, Mode, Peer } from "./wire/message.js";
