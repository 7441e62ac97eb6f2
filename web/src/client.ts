import { adopt } from "./adopt.js";
import { type Engine, newEngine, type Socket } from "./engine.js";
import { type ClientEvents, Listeners, type Status, type StorageHealth } from "./events.js";
import type { Pushed, Settled, StreamHandle, StreamOptions } from "./handle.js";
import type { Effect, Event, TokenReason } from "./machine/effect.js";
import { WAITING } from "./machine/link.js";
import type { DeadLetter } from "./machine/saved.js";
import { pendingCount } from "./machine/view.js";
import { type ClientOptions, socketUrl } from "./options.js";
import { watchPage } from "./page.js";
import { ruleOf, rules } from "./rules/builtin.js";
import { localStorageStorage } from "./storage/local.js";
import { memoryStorage } from "./storage/memory.js";
import type { QueueStorage } from "./storage/storage.js";
import { StreamStore } from "./store.js";
import { type Claim, claim, newId, prefixOf, remembered, rootOf, settleId } from "./tabs.js";
import { subjectOf, tokenSource } from "./token.js";
import { Waiters } from "./waiters.js";
import { FlowSyncError, refuse } from "./wire/error.js";
import { validClient } from "./wire/name.js";

/** How long after a change states are kept. */
const KEEP_MS = 2000;

/**
 * A FlowSync client: streams that apply edits at once, keep them in a durable queue and bring them to the
 * hub exactly once, whatever happens in between.
 *
 * It starts nothing by itself: the first subscribe, push or connect does. Making one touches neither window
 * nor storage, so that servers can render with it.
 *
 * @example
 * ```ts
 * const client = new FlowSyncClient({ url: "wss://example.com/sync", authToken: () => fetchToken() });
 * const likes = client.stream<number>("counter:likes", { initial: 0, rule: "crdt-counter" });
 * likes.push({ op: "increment" });
 * ```
 */
export class FlowSyncClient {
  readonly #o: ClientOptions & { namespace: string };
  readonly #listeners = new Listeners<ClientEvents>();
  readonly #stores = new Map<string, StreamStore>();
  readonly #token: ReturnType<typeof tokenSource>;
  #storage: QueueStorage | undefined;
  #health: StorageHealth = "ok";
  #engine: Engine | undefined;
  #claim: Claim | undefined;
  /** Whose queue it is; undefined until a token said so, here or before. */
  #subject: string | undefined;
  /** A token was met in this tab: what was made here is its subject's. */
  #met = false;
  #starting: Promise<void> | undefined;
  #live = false; // the engine is the one that was started, not the first sight of a queue
  #destroyed = false;
  readonly #waiters = new Waiters();
  #unwatch = () => {};
  #retry: ReturnType<typeof setInterval> | undefined;
  #keepTimer: ReturnType<typeof setTimeout> | undefined;
  #status: Status = { status: "idle", code: 0, reason: "", retryInMs: 0 };
  #lastError: FlowSyncError | undefined;
  #lastSyncedAt = 0;
  #cancelAdoption = () => {};

  constructor(options: ClientOptions) {
    const { url, clientId, namespace = "default" } = options;
    if (typeof url !== "string" || !url)
      refuse("bad_message", "a client needs the url of its hub", 'pass {url: "wss://…"}');
    if ((clientId !== undefined && !validClient(clientId)) || !validClient(namespace)) {
      refuse("bad_message", "clientId and namespace have 1 to 128 characters of [A-Za-z0-9_.-]");
    }
    this.#o = { ...options, namespace };
    this.#token = tokenSource(options.authToken);
    if (options.onError) this.on("error", options.onError);
  }

  /** Opens a stream, or returns the one that is open under this name. */
  stream<T = unknown>(name: string, options: StreamOptions<T> = {}): StreamHandle<T> {
    let store = this.#stores.get(name);
    if (!store) {
      const engine = () => this.#use();
      const push = (op: object) => {
        const pushed = this.#push(name, op);
        if (pushed.ok) this.#listeners.emit("op", { stream: name, op, id: pushed.id });
        return pushed;
      };
      store = new StreamStore(name, options, engine, push, () => this.connect(true));
      engine().step(store.open()); // throws for a bad name
      this.#stores.set(name, store);
    }
    return store as unknown as StreamHandle<T>;
  }

  /**
   * Connects. Nothing happens while the client is connected; one that waits, was denied or closed tries
   * again at once.
   *
   * @param unlessStopped leave a client alone that was disconnected or denied
   */
  connect(unlessStopped?: boolean): void {
    if (this.#destroyed) return;
    this.#use();
    this.#starting ??= this.#start();
    this.#starting.then(() => {
      if (unlessStopped && this.#status.status !== "idle") return;
      this.#engine?.step({ do: "connect" });
    });
  }

  /** Hangs up until connect(). Queues stay. */
  disconnect(): void {
    this.#starting ??= this.#start();
    this.#starting.then(() => this.#engine?.step({ do: "close" }));
  }

  /** Pretends that the network is gone, or back. */
  simulateOffline(offline: boolean): void {
    this.#use().step({ do: "online", online: !offline });
  }

  /** The connection: see Status for the eight values. */
  get status(): Status["status"] {
    return this.#status.status;
  }

  /** Whether the hub has said welcome; not what the browser says of its network. */
  get isOnline(): boolean {
    return this.status === "online" || this.status === "catching-up";
  }

  /** Why the connection ended last, and when it is tried again. */
  get connection(): Status & { lastError: FlowSyncError | undefined; lastSyncedAt: number } {
    return { ...this.#status, lastError: this.#lastError, lastSyncedAt: this.#lastSyncedAt };
  }

  /** How many ops the hub has not acked, on all streams. */
  get pendingCount(): number {
    return this.#engine ? pendingCount(this.#engine.m) : 0;
  }

  /** Whether the queue survives the tab. */
  get storage(): StorageHealth {
    return this.#health;
  }

  /** The client id; empty before the first use. */
  get clientId(): string {
    return this.#engine?.m.cfg.client ?? "";
  }

  /** Ops that were refused for good, oldest first. They are kept until they are discarded. */
  deadLetters(): readonly DeadLetter[] {
    return this.#engine?.m.dead ?? [];
  }

  /** Forgets a dead letter. */
  discard(letter: DeadLetter): void {
    const { stream, inc, seq } = letter;
    this.#engine?.step({ do: "discard", stream, inc, seq });
  }

  /** Calls back on an event. Returns what stops that. */
  on<K extends keyof ClientEvents>(event: K, callback: (value: ClientEvents[K]) => void): () => void {
    return this.#listeners.on(event, callback);
  }

  /** Resolves when every op made so far is acked or refused. */
  flush(): Promise<void> {
    return this.#engine ? this.#waiters.flush(this.#engine.m) : Promise.resolve();
  }

  /** Deletes everything that this namespace keeps in storage, for example at sign-out, and hangs up. */
  async clearLocal(): Promise<void> {
    await this.#starting;
    const storage = this.#store();
    this.#engine?.stop();
    const entries = await storage.load(rootOf(this.#o.namespace));
    await storage.write(entries.map(([key]) => [key, null]));
    this.#subject = undefined;
    this.#met = false;
    this.#boot(this.clientId, [], true);
    this.#setStatus({ do: "status", status: "idle", code: 0, reason: "", retryAt: 0 });
  }

  /** What there is to know for a bug report: no tokens, no content. */
  inspect(): object {
    const streams: { [name: string]: unknown } = {};
    for (const [name, s] of this.#stores) streams[name] = s.meta();
    const { clientId, pendingCount, storage, connection } = this;
    return { clientId, pendingCount, storage, connection, streams, dead: this.deadLetters().length };
  }

  /** Hangs up and leaves nothing behind: no timer, listener, lock or socket. What is queued stays stored. */
  destroy(): void {
    this.#destroyed = true;
    this.#cancelAdoption();
    this.#unwatch();
    clearInterval(this.#retry);
    if (this.#live) this.#keepAll();
    clearTimeout(this.#keepTimer);
    for (const s of this.#stores.values()) s.destroy();
    this.#engine?.stop();
    this.#claim?.release();
    this.#listeners.clear();
    this.#status = { ...this.#status, status: "closed" };
  }

  // What follows is the inside.

  /** The engine; at first one that only shows what is queued, without a lock and without writing. */
  #use(): Engine {
    if (this.#destroyed) refuse("closed", "the client was destroyed", "make a new one");
    if (!this.#engine) {
      const id = this.#o.clientId ?? remembered(this.#o.namespace) ?? newId();
      let seen: [string, string][] = [];
      try {
        const found = this.#store().load(prefixOf(this.#o.namespace, id));
        if (Array.isArray(found)) seen = found;
      } catch {
        this.#off();
      }
      this.#boot(id, seen);
    }
    return this.#engine as unknown as Engine;
  }

  #store(): QueueStorage {
    if (this.#storage) return this.#storage;
    this.#storage = this.#o.storage ?? localStorageStorage();
    if (!this.#o.storage && typeof document === "undefined") this.#storage = memoryStorage();
    return this.#storage;
  }

  /** Falls back to memory: the browser refuses storage. */
  #off(): void {
    this.#storage = memoryStorage();
    this.#setHealth("off");
  }

  #setHealth(health: StorageHealth): void {
    if (this.#health === health) return;
    this.#health = health;
    clearInterval(this.#retry);
    if (health === "degraded") this.#retry = setInterval(() => this.#engine?.commit(), 5000);
    this.#listeners.emit("storage", health);
  }

  /** Takes this tab's id, reads its queue and carries over what was done before that was known. */
  async #start(): Promise<void> {
    const { namespace, clientId } = this.#o;
    let entries: [string, string][] = [];
    try {
      this.#claim = await settleId(this.#store(), namespace, clientId);
      entries = await this.#store().load(prefixOf(namespace, this.#claim.id));
    } catch {
      this.#off();
      this.#claim ??= { id: this.clientId, release() {} };
    }
    if (this.#destroyed) {
      this.#claim.release();
      return;
    }
    this.#live = true;
    this.#subject = entries.find(([key]) => key === this.#whoKey())?.[1];
    this.#boot(this.#claim.id, entries);
    if (this.#engine?.repaired)
      this.#error("store_corrupt", "parts of the stored queue were damaged and moved aside");
    this.#unwatch = watchPage({
      wake: () => {
        if (this.#engine?.m.link.phase === WAITING) this.#engine.step({ do: "connect" });
      },
      hide: (hidden) => {
        const cfg = this.#engine?.m.cfg;
        if (cfg) cfg.backoffCap = hidden ? 30_000 : (this.#o.reconnect?.maxMs ?? 10_000);
        if (hidden) this.#keepAll();
      },
      leave: () => {
        const { warnOnUnsaved = "auto" } = this.#o;
        const risk = warnOnUnsaved === "auto" ? this.#health !== "ok" : warnOnUnsaved;
        return risk && this.pendingCount > 0;
      },
    });
  }

  #whoKey(): string {
    return `${prefixOf(this.#o.namespace, this.#claim?.id ?? "")}who`;
  }

  /** Keeps what the streams show, for a start without a network. */
  #keepAll(): void {
    clearTimeout(this.#keepTimer);
    this.#keepTimer = undefined;
    for (const name of this.#stores.keys()) this.#engine?.step({ do: "keep", stream: name });
    this.#engine?.commit();
  }

  /**
   * Makes the engine of a client id. What was done in this tab before goes over to it: streams, presence,
   * and, unless they are to be forgotten, ops.
   */
  #boot(id: string, entries: [string, string][], forget = false): void {
    const before = this.#engine;
    before?.stop();
    this.#engine = this.#newEngine(id, entries);
    for (const s of this.#stores.values()) this.#engine.step(s.open());
    if (before) this.#carryOver(before, forget);
    for (const s of this.#stores.values()) s.changed();
  }

  #newEngine(id: string, entries: [string, string][], after?: () => void): Engine {
    const { url, reconnect = {}, pingIntervalMs, pongTimeoutMs, maxQueueBytes = 4_000_000 } = this.#o;
    const engine: Engine = newEngine({
      url: socketUrl(url),
      cfg: {
        client: id,
        rules,
        backoffBase: reconnect.minMs ?? 250,
        backoffCap: reconnect.maxMs ?? 10_000,
        pingEvery: pingIntervalMs ?? 20_000,
        pongWithin: pongTimeoutMs ?? 8_000,
      },
      // Until the id is this tab's own, nothing is written.
      storage: this.#live ? this.#store() : memoryStorage(),
      prefix: prefixOf(this.#o.namespace, id),
      entries,
      maxUnits: maxQueueBytes,
      socket: (address) => this.#socket(address),
      token: (reason) => this.#askToken(reason),
      // An adopted queue has news of refusals alone.
      notice: (e) => {
        if (!after) this.#notice(e);
        else if (e.do === "rejected") this.#rejected(e.dead);
      },
      after: after ?? (() => this.#waiters.check(engine.m)),
      onHealth: () => {
        if (!after && this.#health !== "off") this.#setHealth(engine.queue.healthy() ? "ok" : "degraded");
      },
    });
    return engine;
  }

  #socket(address: string): Socket {
    const Ctor = this.#o.WebSocket ?? (globalThis.WebSocket as unknown as ClientOptions["WebSocket"]);
    if (!Ctor) refuse("unavailable", "there is no WebSocket here", "pass one as options.WebSocket");
    return new Ctor(address, "flowsync.v1");
  }

  #carryOver(before: Engine, forget: boolean): void {
    const to = this.#engine as Engine;
    const { online } = before.m.link;
    if (!online) to.step({ do: "online", online });
    const waiters = this.#waiters.take();
    const again = (stream: string, op: string, id: number) => {
      const done = waiters.get(id);
      const pushed: Pushed = forget
        ? { ok: false, code: "closed", message: "the local queue was cleared", hint: "" }
        : this.#push(stream, JSON.parse(op));
      if (!done) return;
      if (pushed.ok) pushed.settled.then(done);
      else done(pushed);
    };
    for (const st of before.m.streams.values()) {
      for (const p of st.pending) if (p.id > before.restored) again(st.name, p.op, p.id);
      for (const k of st.own.values()) again(st.name, k.op, 0);
      if (st.here.mine !== null) to.step({ do: "presence", stream: st.name, state: st.here.mine });
    }
    this.#waiters.moved(to.m);
  }

  async #askToken(reason: TokenReason): Promise<string | null> {
    let token: string | null;
    try {
      token = await this.#token(reason);
    } catch (e) {
      this.#error("auth_required", "no token could be had", e instanceof Error ? e.message : "");
      throw e;
    }
    if (token) await this.#meet(subjectOf(token));
    return token;
  }

  /** Compares whose token it is with whose queue it is. Another user's queue is left as it is. */
  async #meet(subject: string): Promise<void> {
    const known = this.#subject;
    const forget = this.#met;
    this.#met = true;
    if (known === subject || !subject) return;
    this.#subject = subject;
    if (known) {
      this.#claim?.release();
      const id = newId();
      this.#claim = (await claim(this.#store(), this.#o.namespace, id)) ?? { id, release() {} };
      this.#boot(id, [], forget);
      this.#engine?.step({ do: "connect" });
    }
    try {
      await this.#store().write([[this.#whoKey(), subject]]);
    } catch {
      // Without room the queue is not kept either.
    }
  }

  #push(stream: string, op: object): Pushed {
    try {
      const engine = this.#use();
      this.#hint(stream, op);
      const last = engine.m.ids;
      engine.step({ do: "push", stream, op });
      this.connect(true);
      const id = engine.m.ids;
      const settled = new Promise<Settled>((done) => {
        if (id === last)
          done({ ok: true }); // an ephemeral key: nothing is queued, nothing acked
        else this.#waiters.add(stream, id, done);
      });
      return { ok: true, id, settled };
    } catch (e) {
      if (!(e instanceof FlowSyncError)) throw e;
      return { ok: false, code: e.code, message: e.message, hint: e.hint };
    }
  }

  /** Takes the rule of a stream that was never seen from an op that only one rule has. */
  #hint(stream: string, op: object): void {
    const rule = ruleOf(op);
    if (!rule || this.#engine?.m.streams.get(stream)?.ruleName !== "") return;
    this.#engine.step({ ...this.#stores.get(stream)?.open(), rule } as Event);
  }

  #notice(e: Effect): void {
    const name = "stream" in e ? e.stream : e.do === "rejected" ? e.dead.stream : "";
    const store = this.#stores.get(name);
    switch (e.do) {
      case "changed":
        this.#keepTimer ??= setTimeout(() => this.#keepAll(), KEEP_MS);
        return store?.changed();
      case "presenceChanged":
        return store?.peersChanged();
      case "heard":
        return store?.heard(e);
      case "historyPage":
      case "historyFailed":
        for (const s of this.#stores.values()) s.answered(e);
        return;
      case "acked":
        return this.#waiters.acked((this.#engine as Engine).m, e.stream);
      case "rejected": {
        const { code, msg: message, stream } = e.dead;
        this.#waiters.refused(stream, e.id, { ok: false, code, message });
        store?.refused(code);
        return this.#rejected(e.dead);
      }
      case "recovered":
        return this.#listeners.emit("recovered", e.dead);
      case "discontinuity":
        return this.#listeners.emit("discontinuity", e.stream);
      case "fault":
        return this.#error(e.code, e.msg, "", e.stream || undefined);
      case "status":
        return this.#setStatus(e);
    }
  }

  #setStatus(e: Effect & { do: "status" }): void {
    const { status, code, reason, retryAt } = e;
    const retryInMs = retryAt && Math.max(0, retryAt - Math.floor(performance.now()) - 1);
    this.#status = { status, code, reason, retryInMs };
    if (status === "online") {
      this.#lastSyncedAt = Date.now();
      this.#adopt();
    }
    if (status === "denied")
      this.#error("denied", reason || "the hub refuses this client", "check the token");
    if (status === "needs-auth") this.#error("auth_required", reason, "sign in, then call connect()");
    if (code === 4409)
      this.#error("replaced", "a newer session of this client took over", "connect() takes it back");
    this.#listeners.emit("status", this.#status);
    for (const s of this.#stores.values()) s.changed();
  }

  #error(code: FlowSyncError["code"], message: string, hint = "", stream?: string): void {
    this.#lastError = new FlowSyncError(code, message, hint, stream);
    this.#listeners.emit("error", this.#lastError);
  }

  #rejected(dead: DeadLetter): void {
    this.#listeners.emit("rejected", dead);
    this.#error(dead.code, `an op was refused: ${dead.msg}`, "it is in deadLetters()", dead.stream);
  }

  /** Brings in what dead tabs of this user left behind. */
  #adopt(): void {
    if (this.#o.clientId || this.#store().volatile) return;
    this.#cancelAdoption();
    this.#cancelAdoption = adopt({
      storage: this.#store(),
      namespace: this.#o.namespace,
      subject: this.#subject ?? "",
      engine: (id, entries, after) => this.#newEngine(id, entries, after),
    });
  }
}
