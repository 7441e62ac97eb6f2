import type { Editor, Op } from "../rules/rule.js";
import { canonical, type JsonObject, OP_DEPTH } from "../wire/canonical.js";
import { refuse } from "../wire/error.js";
import { NO_HASH, writerHash } from "../wire/hash.js";
import type { Entry, HubMessage } from "../wire/message.js";
import { type Client, changed, emit, newInc } from "./client.js";
import { buriedAs, doubt, exhume } from "./dead.js";
import { setOwn } from "./ephemeral.js";
import type { Head, QueuedOp } from "./saved.js";
import {
  apply,
  OPEN,
  ownView,
  provisional,
  rechain,
  reopen,
  replica,
  rewind,
  type Stream,
  writes,
} from "./stream.js";

/**
 * An op that the confirmed state does not contain yet. It is acked when its seq is at or below the
 * stream's acked; it stays until its entry arrives, so that the view never loses it.
 */
export type PendingOp = QueuedOp & {
  id: number;
  prev: number;
  hash: string;
  /** In this session or an earlier one: the hub may have it. */
  sent: boolean;
  /** The op parsed, once it was needed. */
  body?: JsonObject;
};

/** Queues one op. */
export function push(c: Client, name: string, wanted: unknown): void {
  const st = c.streams.get(name);
  if (!st) return notOpen();
  if (!writes(st.mode) || (st.phase === OPEN && !writes(st.granted))) {
    refuse("denied", "writing to this stream is not granted", "ask for a token that grants it");
  }
  let op = canonical(wanted, OP_DEPTH);
  if (op[0] !== "{") refuse("bad_op", 'an op is an object, for example {op: "increment"}');
  if (!st.ephemeral) st.inc ||= newInc(c);
  let body = JSON.parse(op) as JsonObject;
  const { queueOps } = c.cfg;
  const editor = st.state?.editor;
  const edited = editor?.positional(body);
  if (edited) {
    if (queueOps && c.queued >= queueOps) full();
    body = edit(c, st, body);
    op = canonical(body);
  } else {
    // Updates may need what earlier ones brought.
    (editor && st.pending.length ? ownView(c, st) : (st.view ?? st.state))?.run(next(c, st, body), true);
  }
  if (st.ephemeral) {
    setOwn(c, st, op, body);
    return;
  }
  if (queueOps && c.queued >= queueOps) full();
  begin(c, st);
  const p: PendingOp = {
    seq: st.next++,
    at: 0,
    blind: !st.seen,
    op,
    id: ++c.ids,
    prev: 0,
    hash: "",
    sent: false,
    body,
  };
  if (st.seen) p.at = st.at = Math.max(st.at, st.offset);
  st.pending.push(p);
  c.queued++;
  writerHashes(st, st.pending.length - 1);
  emit(c, { do: "saveOp", stream: name, op: queued(p) });
  if (st.view && !edited) apply(st.view, provisional(c, st, st.pending.length - 1));
  changed(c, st);
}

export function notOpen(): never {
  return refuse("not_ready", "the stream is not open", "open it, and be online");
}

function full(): never {
  refuse("busy", "the queue is full", "wait until the hub has taken some");
}

/** The op that would be queued next, as the rule sees it. */
function next(c: Client, st: Stream, body: JsonObject): Op {
  const off = st.offset + st.pending.length + 1;
  return { off, at: Math.max(st.at, st.offset), client: c.cfg.client, inc: st.inc, seq: st.next, body };
}

/** Makes an update of an edit in positions, which the own view then shows already. */
function edit(c: Client, st: Stream, body: JsonObject): JsonObject {
  const view = ownView(c, st).editor as Editor;
  if (view.taken(st.author)) {
    // A document client that nobody else has: it must not come back after a restart, since what was queued
    // then may be lost.
    st.author = (c.cfg.random() | 1) >>> 0;
  }
  return view.edit(next(c, st, body), st.author, c.now);
}

/** What is saved of a pending op. */
export function queued({ seq, at, blind, op, lost }: PendingOp): QueuedOp {
  return lost ? { seq, at, blind, op, lost } : { seq, at, blind, op };
}

/** Sets prev and hash of the unacked ops from place i on. */
export function writerHashes(st: Stream, i: number): void {
  for (; i < st.pending.length; i++) {
    const p = st.pending[i] as PendingOp;
    const before = st.pending[i - 1];
    const follows = before && before.seq > st.acked;
    if (p.seq <= st.acked) continue;
    p.prev = follows ? before.seq : st.acked;
    p.hash = writerHash(follows ? before.hash : st.hash, p.seq, p.op);
  }
}

/** The place of the first op with a seq of at least seq. */
export function from(st: Stream, seq: number): number {
  let lo = 0;
  let hi = st.pending.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if ((st.pending[mid] as PendingOp).seq < seq) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/** The place of the op with this seq, −1 without one. */
export function find(st: Stream, seq: number): number {
  const i = from(st, seq);
  return st.pending[i]?.seq === seq ? i : -1;
}

export function unacked(st: Stream): PendingOp[] {
  return st.pending.slice(from(st, st.acked + 1));
}

/** How many ops are unacked. */
export function waiting(st: Stream): number {
  return st.pending.length - from(st, st.acked + 1);
}

/** Whether the stream has something to push. */
export function unsent(st: Stream): boolean {
  if (st.unsure || !writes(st.granted)) return false;
  return from(st, st.sent + 1) < st.pending.length || Array.from(st.own.values()).some((k) => k.due);
}

export function headOf(st: Stream): Head {
  const { name: stream, ruleName: rule, inc, next, acked, hash, epoch, at, seen } = st;
  return { stream, rule, inc, next, acked, hash, epoch, at, seen };
}

/** Saves the head of a stream that has none in the queue. */
function begin(c: Client, st: Stream): void {
  if (st.saved) return;
  st.saved = true;
  emit(c, { do: "saveStream", head: headOf(st), ops: [] });
}

/** Saves the head of a stream that has one in the queue. */
export function saveHead(c: Client, st: Stream): void {
  if (st.saved) emit(c, { do: "saveHead", head: headOf(st) });
}

/** Saves the head and all pending ops. */
export function saveStream(c: Client, st: Stream): void {
  st.saved = true;
  if (st.retired) keep(c, st.name); // the kept state takes over what the list below leaves out
  emit(c, { do: "saveStream", head: headOf(st), ops: st.pending.map(queued) });
}

/** Takes a cumulative ack. */
export function ackedBy(c: Client, m: HubMessage & { t: "ack" }): void {
  const st = c.streams.get(m.stream);
  if (st?.phase === OPEN && !confirm(c, st, m.seq, m.hash)) reopen(c, st);
}

/**
 * Takes that the hub has committed this writer's ops up to seq, where its hash is hash. Returns false when
 * that is not our history.
 */
export function confirm(c: Client, st: Stream, seq: number, hash: string): boolean {
  if (seq <= st.acked) return seq < st.acked || hash === st.hash;
  const mine = st.pending[find(st, seq)]?.hash === hash;
  if (!mine && !exhume(c, st, seq, hash)) return false;
  st.acked = seq;
  st.hash = hash;
  st.sent = Math.max(st.sent, seq);
  st.tries = st.gaps = 0;
  if (!mine) rechain(st);
  saveHead(c, st);
  emit(c, { do: "acked", stream: st.name, seq });
  if (!replica(st)) settle(c, st, seq);
  return true;
}

/** Removes the ops up to seq: the confirmed state contains them. */
export function settle(c: Client, st: Stream, seq: number): void {
  const n = from(st, seq + 1);
  if (!n) return;
  const through = (st.pending[n - 1] as PendingOp).seq;
  unqueue(c, st, 0, n);
  if (!st.rule?.commutes) st.view = undefined;
  if (c.cfg.keep && replica(st)) st.retired = through;
  else emit(c, { do: "dropOps", stream: st.name, through });
}

/** Takes the ops lo to hi out of the queue in memory. */
export function unqueue(c: Client, st: Stream, lo: number, hi: number): void {
  st.pending.splice(lo, hi - lo);
  c.queued -= hi - lo;
}

/**
 * Takes an entry of this writer: what the hub committed must be the op that waits under this seq. Returns
 * false when it is another.
 */
export function ownEntry(c: Client, st: Stream, e: Entry): boolean {
  const i = find(st, e.seq);
  const p = st.pending[i];
  if (p) {
    // An op that was queued in positions, because the rule was not known, is committed in another form.
    if (p.op !== canonical(e.op) && !st.state?.editor?.positional(JSON.parse(p.op))) return false;
    if (e.seq > st.acked) {
      // An op before it that never came: a copy of this queue lost that one.
      if (i !== from(st, st.acked + 1) || !confirm(c, st, e.seq, p.hash)) return false;
    }
    settle(c, st, e.seq);
    return true;
  }
  if (e.seq <= st.acked) return true;
  const dead = c.dead.find((d) => buriedAs(d, st.name, st.inc, e.seq) && d.op === canonical(e.op));
  return !!dead && confirm(c, st, e.seq, dead.hash);
}

/**
 * Ends a writer that the hub no longer knows: what was sent is in doubt, the rest is issued again by a new
 * incarnation.
 */
export function writerRetired(c: Client, st: Stream, msg: string): void {
  doubt(c, st, 0, msg);
  reissue(c, st);
  reopen(c, st);
}

/**
 * Gives the unacked ops to a new incarnation, as if never sent. The acked ones that still waited for their
 * entry are gone from the hub's history.
 */
export function reissue(c: Client, st: Stream): void {
  if (st.retired) keep(c, st.name); // while the seqs that it takes over are those of the queue
  unqueue(c, st, 0, from(st, st.acked + 1));
  st.view = undefined;
  st.inc = newInc(c);
  st.acked = st.retired = st.author = 0;
  st.hash = NO_HASH;
  st.pending.forEach((p, i) => {
    p.seq = i + 1;
    p.sent = false;
  });
  st.next = st.pending.length + 1;
  rechain(st);
  rewind(st);
  saveStream(c, st);
  changed(c, st);
}

/** Keeps the confirmed state, if it moved since it was last kept. */
export function keep(c: Client, name: string): void {
  const st = c.streams.get(name);
  if (!st?.state || !st.cursor || st.cursor === st.keptAt) return;
  st.keptAt = st.cursor;
  begin(c, st);
  const { cursor, retired: through } = st;
  emit(c, { do: "saveState", head: headOf(st), cursor, state: st.state.save(), through });
  st.retired = 0;
}
