import type { DocEvent } from "./doc-event.js";
import type { TextHandle } from "./live-text.js";
import type { Json } from "./wire/canonical.js";
import type { Code } from "./wire/error.js";
import type { As, Entry, Mode, Peer } from "./wire/message.js";

/** How a stream is opened. */
export type StreamOptions<T> = {
  /** Shown until there is a state or an own edit; never merged. */
  initial?: T;
  /** The rule that the stream is expected to have, so that edits show before the hub was ever reached. */
  rule?: string;
  /** What is asked for: reading, writing, both. Default `"rw"`. */
  mode?: Mode;
  /** `"value"`: take values from the hub instead of merging here. Default `"state"`. */
  as?: As;
};

/** What became of an op in the end. */
export type Settled = { ok: true } | { ok: false; code: Code; message: string };

/** The answer to a push. An op that is refused at once has had no effect. */
export type Pushed =
  | { ok: true; id: number; settled: Promise<Settled> }
  | { ok: false; code: Code; message: string; hint: string };

/** How a stream stands. */
export type StreamMeta = {
  /** `local`: the hub was not reached yet; `syncing`: behind, or ops wait; `synced`: neither. */
  status: "local" | "syncing" | "synced";
  /** The offset of the confirmed state. */
  version: number;
  /** How many ops are not acked. */
  pending: number;
  /** What the hub grants of the mode asked for; empty while it is not known. */
  granted: Mode | "";
  /** The stream's rule; empty while it is not known. */
  rule: string;
};

/** A committed op, as history shows it. */
export type HistoryEntry = Omit<Entry, "n" | "hub">;

/** Who else is on a stream, and what this client shows of itself. */
export type StreamPresence = {
  /** Says what others see of this client, until it is changed; null leaves. */
  set(state: Json): void;
  /** The others, by client id. The same array until something changes. */
  peers(): readonly Peer[];
  /** Calls back when peers change. Returns what stops that. */
  subscribe(callback: () => void): () => void;
};

/**
 * One stream of a client. `get` and `subscribe` are bound: they fit useSyncExternalStore.
 *
 * @example
 * ```ts
 * const counter = client.stream<number>("counter:value", { initial: 0, rule: "crdt-counter" });
 * counter.subscribe(() => console.log(counter.get()));
 * counter.push({ op: "increment", amount: 5 });
 * ```
 */
export type StreamHandle<T> = {
  readonly name: string;
  /** What the stream shows: confirmed state and own ops. The same object until it changes; frozen. */
  get(): T;
  /** Applies an op at once, queues it, and sends it as soon as that is possible. */
  push(op: object): Pushed;
  /**
   * Calls back when the value or the meta changed: at once after own ops, once a frame after others'.
   * Connects. Returns what stops it; a stream without subscribers is left after a second.
   */
  subscribe(callback: () => void): () => void;
  /** How the stream stands. The same object until it changes. */
  meta(): StreamMeta;
  /** SHA-256 of the confirmed state, in hex: equal on every replica at the same offset. */
  digest(): string | undefined;
  /** Where the confirmed state stands, `epoch.offset.check.mac`; empty while there is none. */
  cursor(): string;
  readonly presence: StreamPresence;
  /** Sends a message to the stream's other subscribers. Refused while the stream is not open. */
  emit(event: string, data: Json): void;
  /** Calls back with what others emit. Returns what stops that. */
  onEvent(callback: (event: { client: string; event: string; data: Json }) => void): () => void;
  /** Fetches committed ops below an offset (0: the newest), newest last. Rejects without a connection. */
  history(options?: { before?: number; limit?: number }): Promise<{ entries: HistoryEntry[]; more: boolean }>;
  /** The stream as a text. Asking for it expects the rule crdt-text, if none was named. */
  readonly text: TextHandle;
  /**
   * Calls back with the updates of a crdt-doc or crdt-text that are merged elsewhere, for adapters such as
   * flowsync-client/yjs. Returns what stops that.
   */
  feed(listener: (event: DocEvent) => void): () => void;
  /** Leaves the stream, once its ops are acked. */
  close(): void;
};

/** Freezes a value and what it holds, so that nobody changes a state by accident. */
export function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const v of Object.values(value)) freeze(v);
  }
  return value;
}

/** Whether two JSON values are equal. Parts that are the same object are not looked at. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b || Array.isArray(a) !== Array.isArray(b)) {
    return false;
  }
  const keys = Object.keys(a);
  const x = a as { [key: string]: unknown };
  const y = b as { [key: string]: unknown };
  return keys.length === Object.keys(b).length && keys.every((k) => Object.hasOwn(y, k) && same(x[k], y[k]));
}
