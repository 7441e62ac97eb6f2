import * as Y from "yjs";
import type { DocEvent } from "../doc-event.js";
import { fromBase64, toBase64 } from "../wire/base64.js";
import { type AwarenessLike, bindAwareness } from "./awareness.js";
import type { DocStream } from "./stream.js";

/** How to bind a document. */
export interface BindOptions {
  /** The Awareness of y-protocols whose states travel as the stream's presence. */
  awareness?: AwarenessLike;
  /**
   * Called once when the document can no longer follow the stream: an own op was
   * refused for good (`code` says why), or the hub lost history (`diverged`). Yjs
   * cannot take content out of a document again; bind a fresh Y.Doc. What was
   * refused is among the client's dead letters.
   */
  onDetached?: (code: string) => void;
}

/** A Y.Doc that follows a stream. */
export interface DocBinding {
  /** `waiting` for the stream's state, `bound`, or `detached` for good. */
  readonly status: "waiting" | "bound" | "detached";
  /** Stops following. Ops in the queue are still sent. */
  destroy(): void;
}

/**
 * Syncs a Y.Doc over a stream: its edits become ops in the client's durable
 * queue, and the others' ops are applied to it.
 *
 * A document that brings content, for example from a file, hands in what the
 * stream lacks once the stream's state is there; until then its edits wait. The
 * edits of one that is empty at first are queued at once, also offline.
 *
 * @example
 * const doc = new Y.Doc();
 * const binding = bindDoc(doc, client.stream("doc:notes"), { onDetached: (code) => reopen(code) });
 * doc.getText("text").insert(0, "hello");
 */
export function bindDoc(doc: Y.Doc, stream: DocStream, options: BindOptions = {}): DocBinding {
  let status: DocBinding["status"] = "waiting";
  let live = doc.store.clients.size === 0;
  const origin = {}; // of what comes from the stream
  const stops: (() => void)[] = [];

  const detach = (code?: string) => {
    if (status === "detached") return;
    status = "detached";
    for (const stop of stops.splice(0)) stop();
    if (code) options.onDetached?.(code);
  };
  const push = (update: Uint8Array) => {
    const pushed = stream.push({ op: "update", update: toBase64(update) });
    if (!pushed.ok) detach(pushed.code);
  };
  const onUpdate = (update: Uint8Array, from: unknown) => {
    if (live && from !== origin) push(update);
  };
  const apply = (update: string) => Y.applyUpdate(doc, fromBase64(update), origin);

  /** Takes a whole state. The document may have more only at first: what it brought. */
  const takeState = (updates: readonly string[]) => {
    for (const update of updates) apply(update);
    const all = new Y.Doc();
    for (const update of updates) Y.applyUpdate(all, fromBase64(update));
    const brought = !Y.equalSnapshots(Y.snapshot(doc), Y.snapshot(all));
    if (brought && status === "bound") return detach("diverged");
    live = true;
    status = "bound";
    if (brought) push(Y.encodeStateAsUpdate(doc, Y.encodeStateVector(all)));
  };

  const onEvent = (event: DocEvent) => {
    if (status === "detached") return;
    try {
      if (event.type === "state") takeState(event.updates);
      else if (event.type === "update") apply(event.update);
      else detach(event.code);
    } catch {
      detach("bad_op"); // the hub's bytes are no update
    }
  };

  doc.on("update", onUpdate);
  stops.push(() => doc.off("update", onUpdate));
  const onDestroy = () => detach();
  doc.on("destroy", onDestroy);
  stops.push(() => doc.off("destroy", onDestroy));
  if (options.awareness && stream.presence) {
    stops.push(bindAwareness(options.awareness, stream.presence, origin));
  }
  const stop = stream.feed(onEvent);
  // The first event may have detached it already.
  if ((status as string) === "detached") stop();
  else stops.push(stop);

  return {
    get status() {
      return status;
    },
    destroy: () => detach(),
  };
}
