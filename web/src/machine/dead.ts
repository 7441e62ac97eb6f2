import { canonical } from "../wire/canonical.js";
import type { Code } from "../wire/error.js";
import type { HubMessage } from "../wire/message.js";
import { type Client, changed, emit } from "./client.js";
import { find, from, type PendingOp, queued, unqueue } from "./pending.js";
import type { DeadLetter } from "./saved.js";
import { OPEN, rechain, rewind, type Stream } from "./stream.js";

export function buriedAs(d: DeadLetter, stream: string, inc: string, seq: number): boolean {
  return d.seq === seq && d.inc === inc && d.stream === stream;
}

/** Takes the hub's refusal of one op. */
export function rejected(c: Client, m: HubMessage & { t: "reject" }): void {
  const st = c.streams.get(m.stream);
  if (st?.phase !== OPEN) return;
  const i = find(st, m.seq);
  if (i < 0 || m.seq <= st.acked) return;
  buryRange(c, st, i, i + 1, m.code, m.msg);
  rewind(st);
}

/** Makes dead letters of all unacked ops from seq on. */
export function bury(c: Client, st: Stream, seq: number, code: Code, msg: string): void {
  buryRange(c, st, from(st, Math.max(seq, st.acked + 1)), st.pending.length, code, msg);
  rewind(st);
}

export function buryRange(c: Client, st: Stream, lo: number, hi: number, code: Code, msg: string): void {
  if (lo === hi) return;
  const refused = st.pending.slice(lo, hi);
  carry(c, st, refused, hi); // saved first: should this page end now, the refused are still queued
  for (const { seq, hash, sent, op, id } of refused) {
    const dead: DeadLetter = { stream: st.name, inc: st.inc, seq, hash, sent, code, msg, op };
    c.dead.push(dead);
    emit(c, { do: "saveDead", dead });
    emit(c, { do: "rejected", id, dead });
  }
  unqueue(c, st, lo, hi);
  st.view = undefined;
  rechain(st);
  changed(c, st);
}

/**
 * Keeps what later ops need of refused ones. The later edits of a text refer to what the refused ones
 * inserted; it stays as deleted content in the first update from place i on, which is not in the log,
 * whatever was sent of it: over a refused op nothing is accepted. New edits use another document client.
 */
function carry(c: Client, st: Stream, refused: PendingOp[], i: number): void {
  st.author = 0;
  // Without a state, on a stream read as value, the application makes the updates.
  const editor = (st.state ?? st.rule?.make())?.editor;
  if (!editor) return;
  const bodies = refused.map((r) => JSON.parse(r.op));
  for (const p of st.pending.slice(i)) {
    try {
      p.body = editor.carry(bodies, JSON.parse(p.op));
    } catch {
      continue; // it is no update itself, and needs nothing
    }
    p.op = canonical(p.body);
    emit(c, { do: "saveOp", stream: st.name, op: queued(p) }); // in place of the one under its seq
    return;
  }
}

/** Buried unheard: it was sent, and no hub looked at it and refused. */
function unheard(d: DeadLetter): boolean {
  return d.sent && /^(denied|stream_unknown|in_doubt)$/.test(d.code);
}

/**
 * Looks for seq and hash among the dead letters that were buried unheard. If it is there, it and those
 * before it are committed after all.
 */
export function exhume(c: Client, st: Stream, seq: number, hash: string): boolean {
  if (!c.dead.some((d) => buriedAs(d, st.name, st.inc, seq) && d.hash === hash && unheard(d))) return false;
  c.dead = c.dead.filter((dead) => {
    const { stream, inc, seq: n } = dead;
    if (stream !== st.name || inc !== st.inc || n <= st.acked || n > seq || !unheard(dead)) return true;
    emit(c, { do: "dropDead", stream, inc, seq: n });
    emit(c, { do: "recovered", dead });
    return false;
  });
  return true;
}

/** Forgets a dead letter. */
export function discard(c: Client, { stream, inc, seq }: { stream: string; inc: string; seq: number }): void {
  const n = c.dead.length;
  c.dead = c.dead.filter((d) => !buriedAs(d, stream, inc, seq));
  if (c.dead.length < n) emit(c, { do: "dropDead", stream, inc, seq });
}

/**
 * Makes dead letters of the unacked ops that were sent, and of those up to a seq that the hub has: a copy
 * of this queue may have sent them.
 */
export function doubt(c: Client, st: Stream, through: number, msg: string): void {
  const lo = from(st, st.acked + 1);
  let hi = lo;
  for (let p = st.pending[hi]; p && (p.sent || p.seq <= through); p = st.pending[hi]) hi++;
  buryRange(c, st, lo, hi, "in_doubt", msg);
}
