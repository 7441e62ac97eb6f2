import type { DocEvent } from "./doc-event.js";
import type { Engine } from "./engine.js";
import { Listeners } from "./events.js";
import {
  freeze,
  type HistoryEntry,
  type Pushed,
  type StreamHandle,
  type StreamMeta,
  type StreamOptions,
  type StreamPresence,
  same,
} from "./handle.js";
import { liveText, pieces, type TextHandle } from "./live-text.js";
import type { Effect, Event } from "./machine/effect.js";
import { waiting } from "./machine/pending.js";
import { OPEN, type Stream } from "./machine/stream.js";
import { digestOf, show, shownValue } from "./machine/view.js";
import { onFrame } from "./page.js";
import type { Text } from "./rules/text.js";
import type { Splice } from "./text/index.js";
import { toBase64 } from "./wire/base64.js";
import type { Json } from "./wire/canonical.js";
import { FlowSyncError } from "./wire/error.js";
import type { Peer } from "./wire/message.js";

/** How long a stream without subscribers stays open: a component that is mounted again keeps it. */
const GRACE_MS = 1000;

type News = {
  change: undefined;
  peers: undefined;
  heard: Heard;
  splices: readonly Splice[];
  doc: DocEvent;
};
type Heard = { client: string; event: string; data: Json };
type Page = { entries: HistoryEntry[]; more: boolean };
type Asked = { resolve(page: Page): void; reject(e: FlowSyncError): void };

/** One stream as an application sees it: values that keep their identity until they change. */
export class StreamStore implements StreamHandle<unknown> {
  readonly presence: StreamPresence;
  readonly #options: StreamOptions<unknown>;
  readonly #engine: () => Engine;
  readonly #queue: (op: object) => Pushed;
  readonly #connect: () => void;
  readonly #listeners = new Listeners<News>();
  readonly #asked = new Map<number, Asked>();
  #value: unknown;
  #fresh = false;
  #meta: StreamMeta = { status: "local", version: 0, pending: 0, granted: "", rule: "" };
  #peers: readonly Peer[] = [];
  #pushing = false;
  #cancelFrame: (() => void) | undefined;
  #live: ReturnType<typeof liveText> | undefined;
  #whole = false;
  /** The document whose updates arrive in #arrived. */
  #fed: Text | undefined;
  #arrived: string[] = [];
  #warned = false;
  #grace: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly name: string,
    options: StreamOptions<unknown>,
    engine: () => Engine,
    queue: (op: object) => Pushed,
    connect: () => void,
  ) {
    this.#options = options;
    this.#engine = engine;
    this.#queue = queue;
    this.#connect = connect;
    this.presence = {
      set: (state) => {
        this.#step({ do: "presence", stream: name, state });
        connect();
      },
      peers: () => this.#peers,
      subscribe: (callback) => this.#subscribe("peers", callback),
    };
  }

  /** The event that opens the stream. */
  open(): Event {
    const { rule = "", mode = "", as = "" } = this.#options;
    return { do: "open", stream: this.name, rule, mode, as, whole: this.#whole };
  }

  /** The text of the stream, which is then expected to be one. */
  get text(): TextHandle {
    if (!this.#live) {
      this.#live = liveText({
        shown: () => this.#shown(),
        value: () => shownValue(this.#engine().m, this.#stream() as Stream),
        push: this.push,
        hold: () => this.#engine().hold(this.name),
        listen: (callback) => this.#subscribe("splices", callback),
        tell: (splices) => this.#listeners.emit("splices", splices),
      });
      this.#options.rule ??= "crdt-text";
      this.#step(this.open());
    }
    return this.#live.text;
  }

  readonly get = (): unknown => {
    if (this.#fresh) return this.#value;
    this.#fresh = true;
    const st = this.#stream();
    // An initial value stands in until there is a state or an edit.
    const something = st && (st.ready || st.pending.length || st.own.size);
    let value =
      something || this.#options.initial === undefined ? st && shownValue(this.#engine().m, st) : undefined;
    value ??= value === null ? null : this.#options.initial;
    if (!same(value, this.#value)) this.#value = freeze(value);
    return this.#value;
  };

  readonly push = (op: object): Pushed => {
    this.#pushing = true;
    try {
      let pushed: Pushed | undefined;
      for (const piece of pieces(op)) {
        pushed = this.#queue(piece);
        if (!pushed.ok) break;
      }
      this.#warn(op, pushed as Pushed);
      return pushed as Pushed;
    } finally {
      this.#pushing = false;
    }
  };

  /** Says once what an edit in positions looks like that no field makes. */
  #warn(op: object, pushed: Pushed): void {
    const { op: kind, pos } = op as { op?: unknown; pos?: unknown };
    if (pushed.ok || pushed.code !== "bad_op" || pos === undefined || this.#warned) return;
    this.#warned = true;
    const why = "onChange cannot tell a delete from an insert: bind the field with bindTextarea or useText";
    console.warn(`flowsync: ignored ${kind} at ${pos}: ${why}`);
  }

  /**
   * Calls back with what happens to a document that is merged elsewhere, as the adapter for Yjs does.
   * Returns what stops that.
   */
  feed(listener: (event: DocEvent) => void): () => void {
    this.#whole = true;
    const off = this.#subscribe("doc", listener);
    if (this.#fed) listener(this.#wholeDoc());
    else this.#feed();
    return off;
  }

  readonly subscribe = (callback: () => void): (() => void) => this.#subscribe("change", callback);

  readonly meta = (): StreamMeta => {
    const st = this.#stream();
    if (!st) return this.#meta;
    const pending = waiting(st);
    const status = !st.ready ? "local" : st.phase === OPEN && !pending ? "synced" : "syncing";
    const meta: StreamMeta = { status, version: st.offset, pending, granted: st.granted, rule: st.ruleName };
    if (!same(meta, this.#meta)) this.#meta = meta;
    return this.#meta;
  };

  digest(): string | undefined {
    const st = this.#stream();
    return st && digestOf(st);
  }

  cursor(): string {
    return this.#stream()?.cursor ?? "";
  }

  emit(event: string, data: Json): void {
    this.#step({ do: "emit", stream: this.name, event, data });
  }

  onEvent(callback: (event: Heard) => void): () => void {
    return this.#subscribe("heard", callback);
  }

  history({ before = 0, limit = 100 } = {}): Promise<Page> {
    return new Promise((resolve, reject) => {
      const tag = ++tags;
      this.#step({ do: "history", tag, stream: this.name, before, limit });
      this.#asked.set(tag, { resolve, reject });
    });
  }

  close(): void {
    clearTimeout(this.#grace);
    this.#step({ do: "closeStream", stream: this.name });
  }

  // For the client.

  /** The value or how the stream stands changed. */
  changed(): void {
    this.#fresh = false;
    this.#live?.changed();
    if (this.#whole) this.#feed();
    // Own edits show at once, or a caret jumps; others' once a frame, however many they are.
    if (this.#pushing) this.#tell();
    else this.#cancelFrame ??= onFrame(() => this.#tell());
  }

  /** An own op was refused for good. */
  refused(code: string): void {
    this.#listeners.emit("doc", { type: "rejected", code });
  }

  peersChanged(): void {
    this.#peers = Object.freeze(
      [...(this.#stream()?.here.peers.values() ?? [])].sort((a, b) => (a.client < b.client ? -1 : 1)),
    );
    this.#listeners.emit("peers", undefined);
  }

  heard({ client, event, data }: Heard): void {
    this.#listeners.emit("heard", { client, event, data });
  }

  answered(e: Effect & { do: "historyPage" | "historyFailed" }): void {
    const asked = this.#asked.get(e.tag);
    this.#asked.delete(e.tag);
    if (e.do === "historyPage") asked?.resolve({ entries: e.entries, more: e.more });
    else asked?.reject(new FlowSyncError(e.code, e.msg, "", this.name));
  }

  destroy(): void {
    clearTimeout(this.#grace);
    this.#cancelFrame?.();
    this.#listeners.clear();
  }

  #stream(): Stream | undefined {
    return this.#engine().m.streams.get(this.name);
  }

  /** The document that is shown, if the rule has one. */
  #shown(): Text | undefined {
    const { m } = this.#engine();
    const st = m.streams.get(this.name);
    return st && show(m, st)?.editor?.text;
  }

  /** All there is of the document: what is confirmed, then what waits. */
  #wholeDoc(): DocEvent {
    const updates = [toBase64((this.#fed as Text).replica.encode())];
    for (const { op, lost } of this.#stream()?.pending ?? []) {
      const { update } = lost ? {} : JSON.parse(op);
      if (update) updates.push(update);
    }
    return { type: "state", updates };
  }

  /** Hands on what arrived at the confirmed document. */
  #feed(): void {
    const st = this.#stream();
    const doc = st?.ready ? st.state?.editor?.text : undefined;
    if (doc && doc !== this.#fed) {
      this.#fed = doc;
      this.#arrived = [];
      doc.feed = (update) => this.#arrived.push(update);
      this.#listeners.emit("doc", this.#wholeDoc());
    }
    for (const update of this.#arrived.splice(0)) this.#listeners.emit("doc", { type: "update", update });
  }

  #step(ev: Event): void {
    this.#engine().step(ev);
  }

  #tell(): void {
    this.#cancelFrame?.();
    this.#cancelFrame = undefined;
    this.#listeners.emit("change", undefined);
  }

  #subscribe(event: keyof News, callback: (value: never) => void): () => void {
    clearTimeout(this.#grace);
    this.#step(this.open());
    this.#connect();
    const off = this.#listeners.on(event, callback as () => void);
    return () => {
      off();
      const left = this.#listeners.count();
      clearTimeout(this.#grace);
      if (!left) this.#grace = setTimeout(() => this.close(), GRACE_MS);
    };
  }
}

/** Tags of history requests are unique among all streams of all clients. */
let tags = 0;
