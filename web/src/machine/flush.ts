import type { JsonObject } from "../wire/canonical.js";
import { byteLength } from "../wire/hash.js";
import type { ClientMessage } from "../wire/message.js";
import { type Client, newRef, send } from "./client.js";
import { buryRange } from "./dead.js";
import { sendOwn } from "./ephemeral.js";
import { LIVE } from "./link.js";
import { from, type PendingOp, unsent } from "./pending.js";
import { CLOSED, needed, OPEN, OPENING, openOf, type Stream } from "./stream.js";

/** The longest op that fits a message; 1 KiB covers all that is around. */
const opBytes = (c: Client) => c.link.limits.message_bytes - 1024;

/** The most that one push carries when it has more than one op. */
export const batchBytes = (c: Client) => Math.min(1 << 20, opBytes(c));

/** Sends all that may be sent now. */
export function flush(c: Client): void {
  if (c.link.phase !== LIVE) return;
  for (const st of c.streams.values()) {
    if (st.phase === CLOSED && needed(st) && c.now >= st.openAt) {
      st.phase = OPENING;
      st.ref = newRef(c, "o");
      send(c, { t: "sub", ref: st.ref, ...openOf(c, st) });
    } else if (st.phase === OPEN) flushStream(c, st);
  }
}

function flushStream(c: Client, st: Stream): void {
  const { here } = st;
  if (!needed(st)) {
    st.phase = CLOSED;
    send(c, { t: "unsub", stream: st.name });
    return;
  }
  if (here.due) {
    here.due = false;
    send(c, { t: "presence", stream: st.name, state: here.mine });
  }
  if (!c.link.writable || c.now < Math.max(st.sendAt, c.link.writeAt) || !unsent(st)) return;
  (st.ephemeral ? sendOwn : sendOps)(c, st);
}

/** Pushes what was not sent in this session, as far as the hub lets it. */
function sendOps(c: Client, st: Stream): void {
  const { limits } = c.link;
  for (;;) {
    const lo = from(st, st.sent + 1);
    const free = limits.inflight_ops - (lo - from(st, st.acked + 1));
    const first = st.pending[lo];
    if (!first || free <= 0) return;
    const size = byteLength(first.op);
    if (size > opBytes(c)) {
      const msg = `the op has ${size} bytes, the hub takes messages of ${limits.message_bytes}`;
      buryRange(c, st, lo, lo + 1, "too_large", msg);
    } else if (first.lost) {
      buryRange(c, st, lo, lo + 1, "store_corrupt", "the op was damaged in storage");
    } else sendBatch(c, st, lo, Math.min(free, limits.batch_ops));
  }
}

function sendBatch(c: Client, st: Stream, lo: number, most: number): void {
  const first = st.pending[lo] as PendingOp;
  const ops: JsonObject[] = [];
  const push: ClientMessage & { t: "push" } = { t: "push", stream: st.name, seq: first.seq, ops };
  if (first.prev !== first.seq - 1) push.prev = first.prev;
  if (!first.blind) push.at = first.at;
  let size = 0;
  for (const p of st.pending.slice(lo, lo + most)) {
    const n = byteLength(p.op);
    const follows = !p.lost && p.prev === p.seq - 1 && p.at === first.at && p.blind === first.blind;
    if (ops.length && !(follows && size + n <= batchBytes(c))) break;
    ops.push(p.body ?? JSON.parse(p.op));
    size += n + 1;
    st.sent = p.seq;
    p.sent = true;
  }
  send(c, push);
}
