import type { Op, Rule, State } from "../rules/rule.js";
import { type Code, isRetryable, refuse } from "../wire/error.js";
import { NO_HASH } from "../wire/hash.js";
import type { As, HubError, HubMessage, Mode, OpenRequest } from "../wire/message.js";
import { parseCursor, validStream } from "../wire/name.js";
import { backoff, type Client, changed, emit, jitter, newInc } from "./client.js";
import { bury } from "./dead.js";
import type { Event } from "./effect.js";
import { type OwnKey, ownFailed } from "./ephemeral.js";
import { find, type PendingOp, unacked, waiting, writerHashes, writerRetired } from "./pending.js";
import { newPresence, type Presence } from "./presence.js";
import type { Head, Kept } from "./saved.js";

/** Where a stream stands with the hub. */
export const CLOSED = 0; // to be opened, not before openAt
export const OPENING = 1; // asked; until the answer all else about the stream is ignored
export const OPEN = 2;
export const HALTED = 3; // refused; the next session, or another token, asks again

/** One stream of the client. */
export type Stream = Omit<Head, "stream" | "rule"> & {
  name: string;
  /** By the application; an unwanted stream lives until its ops are acked. */
  wanted: boolean;
  mode: Mode;
  /** Value where the rule is unknown here. */
  as: As;
  /** The application merges the document itself, so that opaque rules are read as state. */
  whole: boolean;

  // Of the session.
  phase: number;
  /** Of the open that is not answered. */
  ref: string;
  granted: Mode | "";
  /** The hub could not say what it has of ours: nothing is sent. */
  unsure: boolean;
  openAt: number;
  sendAt: number;
  /** Opens and gaps without progress. */
  tries: number;
  gaps: number;

  // Confirmed: what the hub sent, at offset.
  ruleName: string;
  rule: Rule | undefined;
  ephemeral: boolean;
  ready: boolean;
  /** Undefined while the rule is unknown, and as value. */
  state: State | undefined;
  value: unknown;
  /** Empty: the next open asks for a snapshot. */
  cursor: string;
  offset: number;
  keptAt: string;

  // The writer, beside the head's inc, next, acked, hash, epoch, at and seen.
  pending: PendingOp[];
  /** Ops up to here were sent in this session. */
  sent: number;
  /** The queue has a head. */
  saved: boolean;
  /** Keeping: ops up to here are in the confirmed state. */
  retired: number;
  view: State | undefined;
  /** The document client of new edits; 0: take one. */
  author: number;

  own: Map<string, OwnKey>;
  here: Presence;
};

export const reads = (m: Mode | ""): boolean => m[0] === "r";
export const writes = (m: Mode | ""): boolean => m.endsWith("w");

export function addStream(c: Client, name: string): Stream {
  const st: Stream = {
    name,
    wanted: false,
    mode: "rw",
    as: "state",
    whole: false,
    phase: CLOSED,
    ref: "",
    granted: "",
    unsure: false,
    openAt: 0,
    sendAt: 0,
    tries: 0,
    gaps: 0,
    ruleName: "",
    rule: undefined,
    ephemeral: false,
    ready: false,
    state: undefined,
    value: undefined,
    cursor: "",
    offset: 0,
    keptAt: "",
    inc: "",
    next: 1,
    acked: 0,
    hash: NO_HASH,
    epoch: "",
    at: 0,
    seen: false,
    pending: [],
    sent: 0,
    saved: false,
    retired: 0,
    view: undefined,
    author: 0,
    own: new Map(),
    here: newPresence(),
  };
  c.streams.set(name, st);
  return st;
}

/** Makes a stream wanted. */
export function open(c: Client, ev: Event & { do: "open" }): void {
  const { stream: name, rule, whole } = ev;
  const mode = ev.mode || "rw";
  let as = ev.as || "state";
  if (!validStream(name)) {
    refuse("bad_stream", "this is no stream name", "use letters, digits, _ . - and colons between segments");
  }
  const st = c.streams.get(name) ?? addStream(c, name);
  st.wanted = true;
  if (whole && !st.whole) {
    st.whole = true;
    setRule(c, st, st.ruleName);
  }
  if (!st.ruleName && rule) setRule(c, st, rule);
  if (!st.rule && st.ruleName) as = "value";
  if (st.mode === mode && st.as === as) return;
  if (st.as !== as) {
    forget(st);
    if (as === "state") st.state = st.rule?.make();
  }
  st.mode = mode;
  st.as = as;
  st.phase = CLOSED;
  st.openAt = 0;
}

/** Names the stream's rule. A rule that is unknown here is read as value. */
export function setRule(c: Client, st: Stream, name: string): void {
  st.ruleName = name;
  st.view = undefined;
  if (!name) return;
  st.rule = c.cfg.rules.find((r) => r.name === name && (st.whole || !r.opaque));
  st.ephemeral = name === "ephemeral";
  if (!st.rule) {
    st.as = "value";
    forget(st);
  } else if (st.as === "state") st.state = st.rule.make();
}

/** Drops the confirmed state, so that the next open asks for a snapshot. */
export function forget(st: Stream): void {
  st.state = st.view = st.value = undefined;
  st.ready = false;
  st.cursor = "";
  st.offset = 0;
}

/** Takes a kept state. One that cannot be read is as good as none: the hub sends another. */
export function restoreState(st: Stream, k: Kept): void {
  const place = parseCursor(k.cursor);
  if (!place || !st.rule) return;
  try {
    st.state = st.rule.read(k.state);
  } catch {
    return;
  }
  st.ready = st.seen = true;
  st.cursor = k.cursor;
  st.epoch = place.epoch;
  st.offset = place.offset;
}

/** Whether the stream must be open at the hub. */
export function needed(st: Stream): boolean {
  return st.wanted || waiting(st) > 0;
}

/** Whether the stream's own entries come back to it. */
export function replica(st: Stream): boolean {
  return st.as === "state" && st.granted !== "w";
}

/** Forgets what only the session knew. */
export function loseStream(st: Stream): void {
  st.phase = CLOSED;
  st.openAt = st.sendAt = st.tries = st.gaps = 0;
  st.unsure = false;
  st.granted = "";
  st.here.refused = false;
  st.here.due = st.here.mine !== null;
  for (const k of st.own.values()) k.due = true;
  rewind(st);
}

/** The open that continues the stream. */
export function openOf(c: Client, st: Stream): OpenRequest {
  const o: OpenRequest = { stream: st.name, mode: st.mode, as: st.as };
  if (st.cursor) o.cursor = st.cursor;
  if (!writes(st.mode) || st.ephemeral) return o;
  st.inc ||= newInc(c);
  o.inc = st.inc;
  if (st.acked) {
    o.acked = st.acked;
    o.hash = st.hash;
  }
  const sent = unacked(st).filter((p) => p.sent).length;
  if (sent) o.unacked = sent;
  return o;
}

/** Opens the stream again: at once the first time, with growing delays while that brings nothing. */
export function reopen(c: Client, st: Stream): void {
  st.phase = CLOSED;
  st.openAt = st.tries > 0 ? c.now + backoff(c, st.tries - 1) : 0;
  st.tries++;
  rewind(st);
}

/** Gives the stream up for this session. Its queue stays. */
export function halt(c: Client, st: Stream, code: Code, msg: string): void {
  st.phase = HALTED;
  rewind(st);
  emit(c, { do: "fault", stream: st.name, code, msg });
  changed(c, st);
}

/** Makes all unacked ops unsent in this session. */
export function rewind(st: Stream): void {
  st.sent = st.acked;
}

/** Sets prev and hash of all unacked ops again, after one before them was refused. */
export function rechain(st: Stream): void {
  writerHashes(st, 0);
}

/** Pending op i as the rule sees it: above the confirmed head. */
export function provisional(c: Client, st: Stream, i: number): Op {
  const p = st.pending[i] as PendingOp;
  p.body ??= JSON.parse(p.op);
  const { seq, at } = p;
  return { off: st.offset + i + 1, at, client: c.cfg.client, inc: st.inc, seq, body: p.body as Op["body"] };
}

/** Takes an error that is about a stream. */
export function streamError(c: Client, st: Stream, e: HubError): void {
  if (st.phase === OPENING) {
    if ((e.ref ?? "") === st.ref) openFailed(c, st, e);
  } else if (st.phase === OPEN) (st.ephemeral ? ownFailed : pushFailed)(c, st, e);
}

/** Opens the stream again after a growing delay, and not before a time. */
export function openLater(c: Client, st: Stream, after: number): void {
  const delay = Math.max(after, backoff(c, st.tries));
  reopen(c, st);
  st.openAt = c.now + delay;
}

/** Takes an error in place of synced. */
function openFailed(c: Client, st: Stream, e: HubError): void {
  const { code, msg } = e;
  if (code === "denied" || code === "stream_unknown") {
    bury(c, st, st.acked + 1, code, msg);
    halt(c, st, code, msg);
  } else if (code === "retired") writerRetired(c, st, msg);
  else if (isRetryable(code)) {
    openLater(c, st, e.after_ms ?? 0);
  } else halt(c, st, code, msg);
}

/** Takes an error on an open stream. */
function pushFailed(c: Client, st: Stream, e: HubError): void {
  const { code, msg } = e;
  switch (code) {
    case "seq_gap":
      return gap(c, st, e.expected ?? 0);
    case "op_conflict":
    case "resync":
    case "not_ready":
      return reopen(c, st);
    case "retired":
      return writerRetired(c, st, msg);
    case "denied":
    case "stream_unknown":
      emit(c, { do: "fault", stream: st.name, code, msg });
      if (e.seq) {
        // The hub took all ops before this one; their acks are on the way.
        st.granted = "r";
        bury(c, st, e.seq, code, msg);
        return;
      }
      // It is about presence, or a new token ended the subscription: the answer to another open tells.
      st.here.refused = true;
      return reopen(c, st);
    case "client_mismatch":
      return halt(c, st, code, msg);
  }
  if (isRetryable(code)) hold(c, st, e.after_ms);
  else if (e.seq) halt(c, st, code, msg);
  else emit(c, { do: "fault", stream: st.name, code, msg });
}

/** Rewinds after a retryable error and waits. */
export function hold(c: Client, st: Stream, after: number | undefined): void {
  st.sendAt = Math.max(st.sendAt, c.now + (after || 500 + jitter(c, 500)));
  rewind(st);
}

/** Takes the seq that the hub waits for. */
function gap(c: Client, st: Stream, expected: number): void {
  const last = Math.max(expected, 1) - 1;
  if ((last !== st.acked && !(last > st.acked && find(st, last) >= 0)) || st.gaps > 0) {
    reopen(c, st);
    return;
  }
  st.gaps++;
  rewind(st);
}

/** Takes the new value of a stream that is read as value. */
export function newValue(c: Client, m: HubMessage & { t: "value" }): void {
  const st = c.streams.get(m.stream);
  if (st?.phase !== OPEN || st.as !== "value") return;
  if (!st.ephemeral) {
    const place = parseCursor(m.cursor);
    if (place?.epoch !== st.epoch) {
      reopen(c, st);
      return;
    }
    st.cursor = m.cursor as string;
    st.offset = place.offset;
  }
  st.value = m.value;
  st.tries = 0;
  changed(c, st);
}

/** What the stream shows: its confirmed state with the waiting ops on top. */
export function ownView(c: Client, st: Stream): State {
  if (!st.view) {
    st.view = (st.state as State).clone();
    st.pending.forEach((p, i) => {
      if (!p.lost) apply(st.view, provisional(c, st, i));
    });
  }
  return st.view;
}

/** Applies an op; one that the rule would refuse changes nothing. */
export function apply(state: State | undefined, op: Op): void {
  try {
    state?.run(op);
  } catch {
    // Total nevertheless: the op has no meaning on this state.
  }
}
