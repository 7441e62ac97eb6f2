import type { Rule } from "../rules/rule.js";
import { NO_HASH } from "../wire/hash.js";
import type { ClientMessage } from "../wire/message.js";
import { discard } from "./dead.js";
import type { Effect, Event, StatusEffect } from "./effect.js";
import { flush } from "./flush.js";
import {
  alive,
  connect,
  DIALING,
  dropped,
  GREETING,
  greet,
  LIVE,
  type Link,
  newLink,
  setOnline,
  stop,
  tick,
  tokenFailed,
  tokenReady,
} from "./link.js";
import { keep, push } from "./pending.js";
import { emitEvent, setPresence } from "./presence.js";
import { getHistory, receive } from "./receive.js";
import type { DeadLetter, Saved, SavedStream } from "./saved.js";
import { report } from "./status.js";
import { addStream, open, rechain, restoreState, rewind, type Stream, setRule } from "./stream.js";

/**
 * The FlowSync client without its socket, its storage and its clock: the step machine of docs/protocol.md,
 * section 11, the twin of Go's internal/clientcore. What always holds:
 *
 * - What a stream shows is its confirmed state with the pending ops applied on top, so an op that is
 *   refused needs no inverse.
 * - Effects are carried out in their order, and durable ones come first: an op is saved before it is sent,
 *   a dead letter before anything is sent over the hole it leaves, a new incarnation before the stream is
 *   opened with it.
 * - A seq names one op for ever.
 *
 * The machine starts nothing, waits for nothing, reads no clock and draws no randomness but from its config.
 */
export type Client = {
  cfg: Config;
  /** In the order of first use. */
  streams: Map<string, Stream>;
  dead: DeadLetter[];
  /** Tags of unanswered history requests. */
  asked: number[];
  /** Requests and ops so far. */
  refs: number;
  ids: number;
  queued: number;
  link: Link;
  status: StatusEffect;
  /** The last wake asked for. */
  wake: number;
  /** Valid during a step. */
  now: number;
  out: Effect[];
};

/** Times are in milliseconds. */
export type Config = {
  client: string;
  /** Uniform random integers of 32 bits. */
  random(): number;
  rules: readonly Rule[];
  /** Put the token into hello: a browser's socket has no headers. */
  tokenInHello?: boolean;
  /** The shell keeps states. Ops then stay queued until a kept state contains them. */
  keep?: boolean;
  /** Bounds what is pending on all streams together; 0: no bound. */
  queueOps?: number;
  backoffBase?: number;
  backoffCap?: number;
  pingEvery?: number;
  pongWithin?: number;
  answerWithin?: number;
};

/** Makes a client that goes on from what was saved. Every queued op counts as sent. */
export function newClient(cfg: Config, saved?: Saved): Client {
  const c: Client = {
    cfg,
    streams: new Map(),
    dead: [...(saved?.dead ?? [])],
    asked: [],
    refs: 0,
    ids: 0,
    queued: 0,
    link: newLink(),
    status: { do: "status", status: "idle", code: 0, reason: "", retryAt: 0 },
    wake: 0,
    now: 0,
    out: [],
  };
  for (const s of saved?.streams ?? []) restore(c, s);
  return c;
}

function restore(c: Client, { head, ops, kept }: SavedStream): void {
  const st = addStream(c, head.stream);
  const { rule, stream: _, ...rest } = head;
  Object.assign(st, rest);
  st.saved = true;
  st.whole = !!kept; // without reading it as state nothing would have been kept
  setRule(c, st, rule);
  if (kept) restoreState(st, kept);
  for (const o of ops) st.pending.push({ ...o, id: ++c.ids, prev: 0, hash: NO_HASH, sent: true });
  c.queued += ops.length;
  rechain(st);
  rewind(st);
}

/**
 * Feeds one event to the client and appends what follows from it to out. Events that applications cause
 * throw a FlowSyncError when they are refused, and have then changed nothing.
 */
export function step(c: Client, now: number, ev: Event, out: Effect[]): void {
  c.now = Math.max(c.now, now);
  c.out = out;
  try {
    handle(c, ev);
  } finally {
    report(c);
  }
}

function handle(c: Client, ev: Event): void {
  const { id, phase } = c.link;
  switch (ev.do) {
    case "connect":
      return connect(c);
    case "close":
      return stop(c, "closed", 1000, "");
    case "online":
      return setOnline(c, ev.online);
    case "token":
      return tokenReady(c, ev.token);
    case "noToken":
      return tokenFailed(c, ev.final);
    case "connected":
      if (ev.link === id && phase === DIALING) greet(c);
      return;
    case "received":
      if (ev.link === id && phase >= GREETING) receive(c, ev.msg);
      return;
    case "progress":
      if (ev.link === id && phase === LIVE) alive(c);
      return;
    case "disconnected":
      if (ev.link === id && phase >= DIALING) dropped(c, ev.code, ev.reason);
      return;
    case "tick":
      return tick(c);
    case "flush":
      return flush(c);
    case "open":
      return open(c, ev);
    case "closeStream": {
      const st = c.streams.get(ev.stream);
      if (st) st.wanted = false;
      return;
    }
    case "push":
      return push(c, ev.stream, ev.op);
    case "presence":
      return setPresence(c, ev.stream, ev.state);
    case "emit":
      return emitEvent(c, ev);
    case "history":
      return getHistory(c, ev);
    case "keep":
      return keep(c, ev.stream);
    case "discard":
      return discard(c, ev);
  }
}

export function emit(c: Client, e: Effect): void {
  c.out.push(e);
}

export function send(c: Client, msg: ClientMessage): void {
  emit(c, { do: "send", link: c.link.id, msg });
}

export function changed(c: Client, st: Stream): void {
  emit(c, { do: "changed", stream: st.name });
}

/** A new request id. The letter keeps kinds of requests apart. */
export function newRef(c: Client, kind: string): string {
  return kind + ++c.refs;
}

/** An incarnation: 64 random bits. */
export function newInc(c: Client): string {
  const word = () => c.cfg.random().toString(16).padStart(8, "0");
  return word() + word();
}

/** A random time below span. */
export function jitter(c: Client, span: number): number {
  return Math.floor((c.cfg.random() * span) / 0x100000000);
}

/** The full-jitter delay before attempt n, counted from 0. */
export function backoff(c: Client, n: number): number {
  return jitter(c, Math.min(c.cfg.backoffCap ?? 10_000, (c.cfg.backoffBase ?? 250) * 2 ** n));
}
