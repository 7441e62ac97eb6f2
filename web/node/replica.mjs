import { FlowSyncClient, FlowSyncError, memoryStorage } from "flowsync-client/core";
import { WebSocket } from "ws";
import { Problem } from "./line.mjs";

// The client holds its id under a Web Lock where there are any. Here the lock of the queue file keeps other
// processes out, and what is asked for is granted.
const locks = { request: async (name, _options, held) => held({ name }) };
Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });

/**
 * One client and the streams that it uses: what the commands need beyond the client's own face. A stream is
 * kept open from its first use until it is left.
 */
export class Replica {
  #client;
  #file;
  /** By name: what ends its subscriptions. */
  #used = new Map();
  /** By stream: why the hub refuses it in this session. */
  #refused = new Map();
  #wakers = new Set();
  #skip = false;

  /**
   * @param url of the hub
   * @param client its id
   * @param file a FileStorage; undefined keeps the queue in memory
   * @param tell called with each event
   * @param more options of the client
   */
  constructor({ url, client, file, tell, ...more }) {
    this.id = client;
    this.#file = file;
    this.tell = tell;
    this.#client = new FlowSyncClient({
      url,
      clientId: client,
      storage: file ?? memoryStorage(),
      warnOnUnsaved: false,
      WebSocket,
      ...more,
    });
    this.#listen();
    this.#client.connect();
  }

  #listen() {
    const c = this.#client;
    this.tell({ event: "status", status: c.status });
    c.on("status", ({ status, code, reason }) => {
      if (status !== "online" && status !== "catching-up") this.#refused.clear();
      const replaced = status === "closed" && code === 4409;
      const event = replaced ? "replaced" : "status";
      this.tell({ event, status, close: code || undefined, reason: reason || undefined });
      this.#wake();
    });
    c.on("rejected", (dead) => {
      this.#skip = true; // an error about the same follows
      this.tell({ event: "rejected", ...letterOf(dead) });
    });
    c.on("recovered", (dead) => this.tell({ event: "recovered", ...letterOf(dead) }));
    c.on("discontinuity", (stream) => this.tell({ event: "discontinuity", stream }));
    c.on("storage", () => this.#wake());
    c.on("error", ({ code, message: msg, stream }) => {
      const told = this.#skip || (!stream && /^(auth_required|replaced)$/.test(code));
      this.#skip = false;
      if (told || (!stream && c.status === "denied")) return; // by another event
      if (stream) this.#refused.set(stream, { code, msg });
      this.tell({ event: code === "store_corrupt" ? "damaged" : "refused", stream, code, msg });
      this.#wake();
    });
  }

  /** A stream's handle; it is opened if it is not open. */
  use(name) {
    const handle = this.#client.stream(name);
    if (this.#used.has(name)) return handle;
    const stops = [
      handle.subscribe(() => this.#wake()),
      handle.onEvent(({ client, event, data }) =>
        this.tell({ event: "message", stream: name, client, name: event, data }),
      ),
    ];
    this.#used.set(name, { handle, stops, attended: false });
    return handle;
  }

  /** The handle of a stream in use. */
  known(name) {
    return this.#used.get(name)?.handle;
  }

  /** Tells who is on a stream from now on. */
  attend(name) {
    const { presence } = this.use(name);
    const used = this.#used.get(name);
    if (used.attended) return;
    used.attended = true;
    const peers = () => presence.peers().map(({ client, state }) => ({ client, state }));
    used.stops.push(presence.subscribe(() => this.tell({ event: "presence", stream: name, peers: peers() })));
  }

  leave(name) {
    const used = this.#used.get(name);
    if (!used) return;
    this.#used.delete(name);
    for (const stop of used.stops) stop();
    used.handle.close();
  }

  /** What a stream shows; undefined for nothing yet. */
  look(name) {
    const handle = this.use(name);
    const { status, granted, pending } = handle.meta();
    const refusal = this.#refused.get(name);
    if (refusal && !granted) throw new Problem(refusal.code, refusal.msg);
    if (granted === "w") throw new Problem("denied", "the stream is open for writing only");
    const away = this.status !== "connecting" && this.status !== "catching-up";
    return status !== "local" || (away && pending > 0) ? handle.get() : undefined;
  }

  /** Waits until what look returns is there. */
  async get(name, deadline) {
    for (;;) {
      const value = this.look(name);
      if (value !== undefined) return value;
      await this.change(deadline, `"${name}" was not synced yet (${this.status})`);
    }
  }

  /** Applies an op. What it returns resolves when the op is in the queue. */
  async push(name, op) {
    const handle = this.use(name);
    const key = `flowsync:default:${this.id}:q:${name}:`;
    const kept = this.#file?.written((k) => k.startsWith(key) && /^\d+-\d+\+\d+$/.test(k.slice(key.length)));
    const pushed = handle.push(op);
    if (!pushed.ok) throw new Problem(pushed.code, pushed.message);
    // Nothing of an ephemeral key is queued.
    if (kept && handle.meta().rule !== "ephemeral") await Promise.race([kept, this.#unkept()]);
    return handle.meta().pending;
  }

  /** Resolves when the queue cannot be written: ops are then kept in memory. */
  async #unkept() {
    while (this.#client.storage === "ok") await this.change();
  }

  emit(name, event, data) {
    const used = this.#used.get(name);
    if (!used) throw new Problem("not_ready", "the stream is not open at the hub");
    used.handle.emit(event, data);
  }

  async history(name, before, limit, deadline) {
    this.use(name);
    while (!this.isSynced(name)) await this.change(deadline, `"${name}" was not synced yet (${this.status})`);
    return within(deadline, this.use(name).history({ before, limit }));
  }

  /** Whether asking the hub about a stream makes sense; also without a connection, which then says so. */
  isSynced(name) {
    this.look(name);
    return this.use(name).meta().granted !== "" || !/^(connecting|catching-up|online)$/.test(this.status);
  }

  flush(deadline) {
    return within(
      deadline,
      this.#client.flush(),
      () => `${this.pending} ops are not acked yet (${this.status})`,
    );
  }

  setOffline(offline) {
    this.#client.simulateOffline(offline);
    if (!offline) this.#client.connect();
  }

  get status() {
    return this.#client.status;
  }

  get pending() {
    return this.#client.pendingCount;
  }

  rejected() {
    return this.#client.deadLetters().map(letterOf);
  }

  /** Ends the client. Without mercy its last writes fail, as if the process had died. */
  destroy(merciless = false) {
    if (merciless) this.#file?.close();
    this.#client.destroy();
    this.#file?.close();
  }

  /** Waits until something may have changed. */
  change(deadline, late) {
    const changed = new Promise((resolve) => this.#wakers.add(resolve));
    return deadline === undefined ? changed : within(deadline, changed, () => late);
  }

  #wake() {
    const wakers = [...this.#wakers];
    this.#wakers.clear();
    for (const wake of wakers) wake();
  }
}

function letterOf({ stream, seq, code, msg, op }) {
  return { stream, seq, code, msg, op: op ? JSON.parse(op) : null };
}

/** Waits for a promise, but not beyond a deadline. */
async function within(deadline, promise, late = () => "the hub did not answer in time") {
  let timer;
  const up = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Problem("timeout", late())),
      Math.max(0, deadline - performance.now()),
    );
  });
  try {
    return await Promise.race([promise, up]);
  } finally {
    clearTimeout(timer);
  }
}

/** What to say of an error. */
export function problemOf(e) {
  if (e instanceof Problem || e instanceof FlowSyncError) return { code: e.code, msg: e.message };
  throw e;
}
