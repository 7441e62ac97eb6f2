import type { Op, State } from "../rules/rule.js";
import { canonical, type JsonObject } from "../wire/canonical.js";
import { isRetryable } from "../wire/error.js";
import { byteLength } from "../wire/hash.js";
import type { Entry, HubError } from "../wire/message.js";
import { type Client, changed, emit, send } from "./client.js";
import { batchBytes } from "./flush.js";
import { unqueue } from "./pending.js";
import { apply, hold, reopen, replica, type Stream } from "./stream.js";

/**
 * A key that this client wrote last on an ephemeral stream. It is shown over the hub's state until another
 * client's write of the key arrives, and sent again by every session.
 */
export type OwnKey = {
  /** The newest op, canonical and parsed. */
  op: string;
  body: JsonObject;
  /** To be sent in this session. */
  due: boolean;
  /** The hub has it, as write (n, hub). */
  echoed: boolean;
  n: number;
  hub: string;
};

/** Writes a key. A write that waits to be sent is replaced. */
export function setOwn(c: Client, st: Stream, op: string, body: JsonObject): void {
  st.own.set(body.key as string, { op, body, due: true, echoed: false, n: 0, hub: "" });
  st.view = undefined;
  changed(c, st);
}

/** After synced: ops that were queued before the rule was known become own keys, and all are sent again. */
export function adoptOwn(c: Client, st: Stream): void {
  const queued = st.pending.slice();
  const last = queued.at(-1);
  if (last) {
    emit(c, { do: "dropOps", stream: st.name, through: last.seq });
    unqueue(c, st, 0, queued.length);
    for (const { op, lost } of queued) {
      if (lost) continue;
      const body = JSON.parse(op) as JsonObject;
      try {
        st.state?.run(write(c, body, 1), true);
      } catch {
        continue;
      }
      setOwn(c, st, op, body);
    }
  }
  for (const k of st.own.values()) {
    k.due = true;
    k.echoed = false;
  }
}

/** A write of this client as the rule sees it. */
function write(c: Client, body: JsonObject, off: number): Op {
  return { off, at: 0, client: c.cfg.client, inc: "~", seq: 0, body };
}

/** Puts own keys above everything that the hub has. */
function onTop(c: Client, state: State, keys: Iterable<OwnKey>): State {
  const view = state.clone();
  for (const k of keys) apply(view, write(c, k.body, Number.MAX_SAFE_INTEGER));
  return view;
}

/**
 * After a state that came whole and unasked: keys that it shows otherwise were written by others while this
 * session lagged. A write of ours that is still on its way comes back as an echo.
 */
export function retake(c: Client, st: Stream): void {
  const { state } = st;
  if (!state) return; // read as value
  const shown = canonical(state.value());
  for (const [key, k] of st.own) {
    if (!k.due && canonical(onTop(c, state, [k]).value()) !== shown) st.own.delete(key);
  }
  st.view = undefined;
}

/** Takes writes of an ephemeral stream. */
export function ownOps(c: Client, st: Stream, entries: Entry[]): void {
  for (const e of entries) {
    const { n = 0, hub = "", client, op: body } = e;
    apply(st.state, { off: n, at: 0, client, inc: hub, seq: 0, body });
    if (typeof body.key === "string") see(c, st, e, body.key);
  }
  st.view = undefined;
  st.tries = 0;
  changed(c, st);
}

/** Compares a write with what this client wrote last to the key. */
function see(c: Client, st: Stream, { n = 0, hub = "", client, op: body }: Entry, key: string): void {
  const mine = st.own.get(key);
  const op = canonical(body);
  if (client !== c.cfg.client) {
    // Not while a newer write of ours waits to be sent, nor for an older one.
    const older = mine && (!mine.echoed || mine.n < n || (mine.n === n && mine.hub < hub));
    if (older && !mine.due) st.own.delete(key);
  } else if (body.op === "delete") {
    // Our key ran out, or we deleted it. An unechoed key is one whose delete ends our former session.
    if (mine && !mine.due && (mine.echoed || mine.op === op)) st.own.delete(key);
  } else if (!mine) st.own.set(key, { op, body, due: false, echoed: true, n, hub });
  else if (!mine.due && mine.op === op) Object.assign(mine, { echoed: true, n, hub });
}

/** The hub's state with the own keys on top. */
export function showOwn(c: Client, st: Stream): State | undefined {
  if (!st.state || !st.own.size) return st.state;
  st.view ??= onTop(c, st.state, st.own.values());
  return st.view;
}

/** Sends the keys that are due. */
export function sendOwn(c: Client, st: Stream): void {
  let ops: JsonObject[] = [];
  let size = 0;
  const flush = () => {
    if (ops.length) send(c, { t: "push", stream: st.name, ops });
    ops = [];
    size = 0;
  };
  for (const key of [...st.own.keys()].sort()) {
    const k = st.own.get(key) as OwnKey;
    if (!k.due) continue;
    const n = byteLength(k.op);
    if (ops.length >= c.link.limits.batch_ops || size + n > batchBytes(c)) flush();
    k.due = k.echoed = false;
    ops.push(k.body);
    size += n + 1;
  }
  flush();
}

/**
 * Takes an error on an ephemeral stream. Nothing tells which key it is about: after a retryable one all
 * that the hub did not echo are due again, after a final one they are given up. Those among them that the
 * hub took come back as echoes, where there are any.
 */
export function ownFailed(c: Client, st: Stream, { code, msg, after_ms }: HubError): void {
  if (code === "resync" || code === "not_ready") return reopen(c, st);
  if (isRetryable(code)) {
    hold(c, st, after_ms);
    for (const k of st.own.values()) k.due ||= !k.echoed;
    return;
  }
  emit(c, { do: "fault", stream: st.name, code, msg });
  if (code === "denied" || code === "stream_unknown") {
    st.here.refused = true;
    reopen(c, st);
  } else if (replica(st)) {
    for (const [key, k] of st.own) if (!k.due && !k.echoed) st.own.delete(key);
    st.view = undefined;
    changed(c, st);
  }
}
