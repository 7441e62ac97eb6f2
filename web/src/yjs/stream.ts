import type { DocEvent } from "../doc-event.js";

/** What one client shows of itself to the others on a stream. */
export interface DocPresence {
  set(state: { awareness: string } | null): void;
  /** The others. */
  peers(): readonly { client: string; state: unknown }[];
  /** Calls back when peers changed. Returns what stops that. */
  subscribe(callback: () => void): () => void;
}

/** What the adapter needs of a stream; the client's streams of rule crdt-doc and crdt-text have it. */
export interface DocStream {
  /** Queues an op durably before it returns; `ok: false` says that it did not. */
  push(op: { op: "update"; update: string }): { ok: true } | { ok: false; code: string };
  /** Calls back with what happens, possibly before it returns. Returns what stops that. */
  feed(listener: (event: DocEvent) => void): () => void;
  readonly presence?: DocPresence;
}
