import type { Rule } from "../rules/rule.js";
import type { Json } from "../wire/canonical.js";
import { type Code, FlowSyncError } from "../wire/error.js";
import { writerHash } from "../wire/hash.js";
import type { Entry, Ops, Synced, Yours } from "../wire/message.js";
import { type Place, parseCursor } from "../wire/name.js";
import { type Client, changed, emit } from "./client.js";
import { bury, doubt } from "./dead.js";
import { adoptOwn, ownOps, retake } from "./ephemeral.js";
import {
  confirm,
  find,
  from,
  ownEntry,
  type PendingOp,
  reissue,
  saveHead,
  saveStream,
  settle,
  unacked,
  unqueue,
  waiting,
  writerHashes,
} from "./pending.js";
import {
  apply,
  forget,
  halt,
  OPEN,
  OPENING,
  openLater,
  reads,
  rechain,
  reopen,
  replica,
  type Stream,
  setRule,
  writes,
} from "./stream.js";

/** Takes the answer to an open, or, unasked, the state after lagging. */
export function synced(c: Client, m: Synced): void {
  const st = c.streams.get(m.stream);
  const ref = m.ref ?? "";
  if (st?.phase === OPENING && ref === st.ref) opened(c, st, m);
  else if (st?.phase === OPEN && !ref) replaced(c, st, m);
}

function opened(c: Client, st: Stream, m: Synced): void {
  if (undecided(st, m)) {
    openLater(c, st, 0);
    return;
  }
  st.phase = OPEN;
  st.granted = m.mode ?? "";
  st.unsure = false;
  if (!m.rule) {
    refused(c, st, m);
    return;
  }
  if (m.rule !== st.ruleName) setRule(c, st, m.rule);
  if ((st.as === "state" && m.outcome !== "write" && !st.rule) || !take(c, st, m)) {
    if (!st.rule) st.as = "value";
    forget(st);
    if (st.as === "state") st.state = st.rule?.make();
    reopen(c, st);
    return;
  }
  st.here.due = st.here.mine !== null && !st.here.refused;
  if (st.ephemeral) adoptOwn(c, st);
  else {
    // If they are not ours, yours will tell with the next open.
    if (!m.yours && m.outcome === "delta") ownEntries(c, st, m.entries ?? []);
    if (writes(st.mode)) {
      settleWriter(c, st, m.yours, "denied", "writing to this stream is not granted");
    }
  }
  changed(c, st);
}

/**
 * Whether a state comes without a word of which of our ops it has: with them on top it would show some
 * twice, without them lack some. What is shown already is neither, so it stays until the hub can say more.
 */
function undecided(st: Stream, m: Synced): boolean {
  if (m.yours || m.outcome !== "snapshot" || st.as !== "state" || !writes(st.mode)) return false;
  // An ephemeral stream has no yours, and a restored queue may not know the rule yet.
  return m.rule !== "ephemeral" && st.pending.some((p) => p.sent);
}

/** Takes an open that gives no right at all. */
function refused(c: Client, st: Stream, m: Synced): void {
  const gone = m.outcome === "gone";
  const code = gone ? "stream_unknown" : "denied";
  const msg = gone ? "the stream was removed" : "reading and writing are not granted";
  st.granted = "";
  settleWriter(c, st, m.yours, code, msg);
  if (!st.unsure) halt(c, st, code, msg);
}

/** Replaces or continues the confirmed state. Returns false, with the state as it was, if that cannot be. */
function take(c: Client, st: Stream, m: Synced): boolean {
  if (m.outcome === "write") return true;
  if (st.ephemeral) return takeWhole(c, st, m);
  const place = parseCursor(m.cursor);
  if (!place || !fits(c, st, m, place)) return false;
  const fresh = st.epoch !== place.epoch;
  const lost = st.epoch && fresh;
  st.cursor = m.cursor as string;
  st.epoch = place.epoch;
  st.offset = place.offset;
  st.ready = true;
  if (!st.rule?.commutes) st.view = undefined;
  if (lost) emit(c, { do: "discontinuity", stream: st.name });
  if (!placed(c, st) && fresh) saveHead(c, st);
  return true;
}

function fits(c: Client, st: Stream, m: Synced, { epoch, offset }: Place): boolean {
  const entries = m.entries ?? [];
  switch (m.outcome) {
    case "resumed":
      return st.cursor !== "" && offset === st.offset && epoch === st.epoch;
    case "delta":
      if (!st.state || !st.cursor || epoch !== st.epoch || !continues(entries, st.offset, offset))
        return false;
      break;
    case "snapshot":
      if (st.as === "value") return takeWhole(c, st, m);
      if (!continues(entries, m.base ?? 0, offset) || !takeWhole(c, st, m)) return false;
      break;
    default:
      return false;
  }
  applyAll(st, entries);
  return true;
}

/**
 * Takes the state of a snapshot, or its value. A state that this version cannot read makes the stream one
 * that is read as value.
 */
function takeWhole(c: Client, st: Stream, m: Synced): boolean {
  if (st.as === "value") {
    if (m.value === undefined) return false;
    st.value = m.value;
  } else {
    try {
      st.state = (st.rule as Rule).read(m.state as Json, st.state);
    } catch (e) {
      if (!(e instanceof FlowSyncError)) throw e;
      st.rule = undefined;
      const msg = "the state cannot be read here: the hub's value is shown";
      emit(c, { do: "fault", stream: st.name, code: "wrong_rule", msg });
      return false;
    }
    st.view = undefined;
  }
  st.ready = true;
  return true;
}

/** Whether entries are those from after one offset up to another. */
function continues(entries: Entry[], at: number, to: number): boolean {
  return entries.every((e) => e.off === ++at) && at === to;
}

/** Applies committed entries to the confirmed state, and to a view that commutes. */
function applyAll(st: Stream, entries: Entry[]): void {
  if (!st.rule?.commutes) st.view = undefined;
  for (const { op: body, ...e } of entries) {
    apply(st.state, { ...e, body });
    apply(st.view, { ...e, body });
  }
}

/**
 * Gives blind ops the offset at which the stream was first seen, and lowers an `at` that history no longer
 * reaches: a hub refuses an `at` above its head. Returns whether it saved the stream.
 */
function placed(c: Client, st: Stream): boolean {
  let moved = !st.seen && st.saved;
  if (!st.seen || st.at > st.offset) {
    st.at = st.offset;
    st.seen = true;
  }
  for (const p of unacked(st)) {
    if (!p.blind && p.at <= st.offset) continue;
    p.at = st.offset;
    p.blind = false;
    moved = true;
  }
  if (moved) saveStream(c, st);
  return moved;
}

/**
 * Finds out which unacked ops the hub has, and what becomes of the others: they are sent again, issued
 * again by a new incarnation, or buried: with code when writing is not granted, in doubt when nobody can
 * tell.
 */
function settleWriter(c: Client, st: Stream, y: Yours | undefined, code: Code, msg: string): void {
  const may = writes(st.granted);
  if (!y) {
    if (!c.link.writable) st.unsure = may || waiting(st) > 0;
    else if (may) reopen(c, st);
    else bury(c, st, 0, code, msg);
    return;
  }
  const lost = y.seq < st.acked;
  const verdict = judge(c, st, y);
  // The state that came has them; without one, nothing else is coming.
  if (!lost && (reads(st.granted) || !replica(st))) settle(c, st, st.acked);
  if (!may) bury(c, st, 0, code, msg);
  if (verdict === "shared") return;
  if (verdict === "unknown") doubt(c, st, y.seq, "the hub no longer knows whether it has this op");
  reissue(c, st);
  if (lost) emit(c, { do: "discontinuity", stream: st.name });
  if (may) reopen(c, st);
}

/**
 * Compares the hub's history of this writer with ours and acks what both have. Shared: the hub's is a
 * beginning of ours. Parted: they part after what is acked now. Unknown: nobody can tell.
 */
function judge(c: Client, st: Stream, y: Yours): "shared" | "parted" | "unknown" {
  if (y.seq < st.acked) return "parted";
  if (confirm(c, st, y.seq, y.hash)) return "shared";
  if (y.seq === st.acked) return "parted";
  const before = st.hash;
  const trail = y.trail ?? [];
  const n = walk(c, st, trail);
  if (st.acked === y.seq) return "shared";
  strays(c, st, before, trail);
  return n === trail.length ? "unknown" : "parted";
}

/**
 * Acks the unacked ops with which a trail begins, and counts them. At a lost op the trail is believed: the
 * ops after it show whether it was ours.
 */
function walk(c: Client, st: Stream, trail: [number, string][]): number {
  const lo = from(st, st.acked + 1);
  let n = 0;
  for (const [seq, hash] of trail) {
    const p = st.pending[lo + n];
    if (!p) break;
    if (p.lost) {
      p.hash = hash;
      writerHashes(st, lo + n + 1);
    }
    if (seq !== p.seq || p.hash !== hash) break;
    n++;
  }
  const last = st.pending[lo + n - 1];
  if (n && last) confirm(c, st, last.seq, last.hash);
  rechain(st);
  return n;
}

/**
 * Removes the ops that the hub has from beyond where the histories part: a copy of this queue sent them
 * too, after one that the hub refused it. Each link of a trail follows from the one before it, so it proves
 * one op by itself. The new incarnation that follows saves the queue without them.
 */
function strays(c: Client, st: Stream, prev: string, trail: [number, string][]): void {
  for (const [seq, hash] of trail) {
    const i = find(st, seq);
    if (seq > st.acked && i >= 0 && writerHash(prev, seq, (st.pending[i] as PendingOp).op) === hash) {
      unqueue(c, st, i, i + 1);
      st.view = undefined;
    }
    prev = hash;
  }
  rechain(st);
}

/** Takes the state that the hub sends unasked to a session that lagged. Nothing is sent again because of it. */
function replaced(c: Client, st: Stream, m: Synced): void {
  if (!m.rule) {
    refused(c, st, m);
    return;
  }
  if (st.ephemeral) {
    if (takeWhole(c, st, m)) {
      retake(c, st);
      changed(c, st);
    }
    return;
  }
  if (parseCursor(m.cursor)?.epoch !== st.epoch || undecided(st, m) || !take(c, st, m)) {
    reopen(c, st);
    return;
  }
  changed(c, st);
  if (!writes(st.mode) || (!m.yours && !st.pending.length)) return;
  const y = m.yours;
  if (!y || y.seq < st.acked || !confirm(c, st, y.seq, y.hash)) reopen(c, st);
  else if (replica(st)) settle(c, st, st.acked);
}

/** Takes what was committed after our offset. */
export function ops(c: Client, m: Ops): void {
  const st = c.streams.get(m.stream);
  if (st?.phase !== OPEN || !st.state) return;
  if (st.ephemeral) {
    ownOps(c, st, m.entries);
    return;
  }
  const place = parseCursor(m.cursor);
  if (
    !place ||
    m.from !== st.offset ||
    place.epoch !== st.epoch ||
    !continues(m.entries, m.from, place.offset)
  ) {
    reopen(c, st);
    return;
  }
  applyAll(st, m.entries);
  st.cursor = m.cursor as string;
  st.offset = place.offset;
  st.tries = 0;
  const ours = ownEntries(c, st, m.entries);
  changed(c, st);
  if (!ours) reopen(c, st);
}

/** Retires the ops whose entries have come. Returns false when an entry under our name is not ours. */
function ownEntries(c: Client, st: Stream, entries: Entry[]): boolean {
  let ours = true;
  for (const e of entries) {
    if (e.client === c.cfg.client && e.inc === st.inc) ours = ownEntry(c, st, e) && ours;
  }
  return ours;
}
