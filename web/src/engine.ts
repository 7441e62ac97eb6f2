import { type Client, type Config, newClient, step } from "./machine/client.js";
import type { DurableEffect, Effect, Event, TokenReason } from "./machine/effect.js";
import { LIVE } from "./machine/link.js";
import { loadQueue } from "./storage/load.js";
import { newQueue, type Queue } from "./storage/queue.js";
import type { QueueStorage } from "./storage/storage.js";
import { canonical } from "./wire/canonical.js";
import { decode } from "./wire/decode.js";
import { FlowSyncError } from "./wire/error.js";

/** A WebSocket, as much of it as is used: the browser's own, or one for Node. */
export type Socket = {
  readyState: number;
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  send(data: string): void;
  close(code?: number, reason?: string): void;
};

/** What an engine is made of. */
export type EngineOptions = {
  url: string;
  cfg: Omit<Config, "random" | "tokenInHello" | "keep">;
  storage: QueueStorage;
  /** Of this client's keys, and what is under it now. */
  prefix: string;
  entries: [string, string][];
  maxUnits: number;
  socket(url: string): Socket;
  /** Null: there is none until the application connects again. */
  token(reason: TokenReason): string | null | Promise<string | null>;
  /** Effects that are news for the application, and what the hub said that it may not say. */
  notice(e: Effect): void;
  /** After each run of events. */
  after(): void;
  onHealth(): void;
};

/** How long ops that cannot be sent wait for more, to share a key in storage. */
const GATHER_MS = 50;
/** What one WebSocket message holds at most, unless a single line is longer. */
const FRAME = 1 << 20;

/**
 * The shell of one client machine: it owns the socket, the timer and the queue, and carries out effects in
 * their order.
 */
export type Engine = {
  m: Client;
  queue: Queue;
  /** Ops up to this number were restored from storage. */
  restored: number;
  /** Whether anything was found damaged in storage. */
  repaired: boolean;
  step(ev: Event): void;
  /** Lets nothing of the hub in to a stream until the function it returns is called. */
  hold(stream: string): () => void;
  /** Makes everything durable now. */
  commit(): void | Promise<void>;
  /** Hangs up and leaves nothing behind: no timer, no socket. */
  stop(): void;
};

export function newEngine(o: EngineOptions): Engine {
  const loaded = loadQueue(o.entries, o.prefix);
  const queue = newQueue(o.storage, o.prefix, o.entries, loaded, o.maxUnits, o.onHealth);
  // Not a copy: the bounds of the back-off change while a page is hidden.
  const cfg: Config = Object.assign(o.cfg, { random, tokenInHello: true, keep: !o.storage.volatile });
  const m = newClient(cfg, loaded.saved);

  let socket: Socket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let gather: ReturnType<typeof setTimeout> | undefined;
  let tokens = 0;
  /** What came about streams that are held. */
  const held = new Map<string, Event[]>();
  let lines: { link: number; line: string }[] = [];
  let shipping: Promise<unknown> | undefined;
  let scheduled = false;
  let stopped = false;

  const now = () => Math.floor(performance.now()) + 1; // 0 means never
  const feed = (ev: Event) => {
    const out: Effect[] = [];
    try {
      step(m, now(), ev, out);
    } finally {
      // News go last: whoever hears them may make the next step.
      for (const e of out.filter(perform)) o.notice(e);
    }
  };
  const stepAndFlush = (ev: Event) => {
    if (stopped) return;
    try {
      feed(ev);
    } finally {
      schedule();
    }
  };
  // Events of one task leave together.
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(run);
  };
  const run = () => {
    scheduled = false;
    if (stopped) return;
    feed({ do: "flush" });
    ship();
    o.after();
  };

  /** Carries an effect out; true says that it is news. */
  const perform = (e: Effect): unknown => {
    switch (e.do) {
      case "send":
        return void lines.push({ link: e.link, line: canonical(e.msg) });
      case "needToken":
        return askToken(e.reason);
      case "dial":
        return dial(e.link);
      case "hangup":
        return hangup(e.code);
      case "wake":
        clearTimeout(timer);
        if (e.at) timer = setTimeout(stepAndFlush, Math.max(0, e.at - now()), { do: "tick" });
        return;
    }
    return /^(save|drop)/.test(e.do) ? queue.do(e as DurableEffect) : true;
  };

  const askToken = (reason: TokenReason) => {
    const n = ++tokens;
    const answer = (ev: Event) => {
      if (n === tokens) stepAndFlush(ev);
    };
    new Promise<string | null>((resolve) => {
      resolve(o.token(reason));
    }).then(
      (token) => answer(token === null ? { do: "noToken", final: true } : { do: "token", token }),
      () => answer({ do: "noToken", final: false }),
    );
  };

  const dial = (link: number) => {
    const ended = (code: number, reason: string) => {
      socket = undefined;
      stepAndFlush({ do: "disconnected", link, code, reason });
    };
    try {
      const s = o.socket(o.url);
      socket = s;
      s.onopen = () => stepAndFlush({ do: "connected", link });
      s.onmessage = (ev: { data: unknown }) => frame(link, ev.data);
      s.onerror = () => {}; // the close that follows says more
      // 1005 and 1006 are the browser's words for: there was no code.
      s.onclose = ({ code, reason }: CloseEvent) => ended(code === 1005 || code === 1006 ? 0 : code, reason);
    } catch {
      ended(0, "the address is not one of a WebSocket");
    }
  };

  /** Gives the socket up. It is not waited for, and cannot speak any more. */
  const hangup = (code: number) => {
    const s = socket;
    socket = undefined;
    if (!s) return;
    s.onopen = s.onmessage = s.onclose = null;
    // Pages may close with 1000 and 3000 to 4999 alone.
    s.close(code < 3000 ? 1000 : code);
  };

  const frame = (link: number, data: unknown) => {
    try {
      if (typeof data !== "string") throw new FlowSyncError("bad_message", "a binary message");
      for (const line of data.replace(/\n$/, "").split("\n")) {
        const ev: Event = { do: "received", link, msg: decode(line) };
        const waits = held.get((ev.msg as { stream?: string }).stream ?? "");
        if (waits) waits.push(ev);
        else feed(ev);
      }
    } catch (e) {
      if (!(e instanceof FlowSyncError)) throw e;
      o.notice({ do: "fault", stream: "", code: e.code, msg: e.message });
      hangup(4400);
      feed({ do: "disconnected", link, code: 0, reason: "bad message" });
    }
    run();
  };

  /** Sends what waits, once all that was saved before it is durable. */
  const ship = () => {
    const batch = lines;
    if (!batch.length && m.link.phase !== LIVE) {
      gather ??= setTimeout(commit, GATHER_MS);
      return;
    }
    lines = [];
    const writing = commit();
    if (!writing && !shipping) {
      transmit(batch);
      return;
    }
    const mine = Promise.all([shipping, writing]).then(() => {
      transmit(batch);
      if (shipping === mine) shipping = undefined;
    });
    shipping = mine;
  };

  const commit = () => {
    clearTimeout(gather);
    gather = undefined;
    return queue.commit();
  };

  const transmit = (batch: { link: number; line: string }[]) => {
    let text = "";
    const flush = () => {
      if (text && socket?.readyState === 1) socket.send(text);
      text = "";
    };
    for (const { link, line } of batch) {
      if (link !== m.link.id) continue;
      if (text.length + line.length > FRAME) flush();
      text += text ? `\n${line}` : line;
    }
    flush();
  };

  return {
    m,
    queue,
    restored: m.ids,
    repaired: loaded.repairs.length > 0,
    step: stepAndFlush,
    hold(stream) {
      const waits: Event[] = [];
      if (held.has(stream)) return () => {};
      held.set(stream, waits);
      return () => {
        if (held.get(stream) !== waits) return;
        held.delete(stream);
        for (const ev of waits) stepAndFlush(ev);
      };
    },
    commit,
    stop() {
      stopped = true;
      tokens++;
      clearTimeout(timer);
      commit();
      hangup(1000);
    },
  };
}

/** 32 random bits. randomUUID is absent where a page came over plain http, this is not. */
export function random(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] as number;
}
