import { type Client, emit } from "./client.js";
import type { StatusEffect } from "./effect.js";
import { DIALING, GREETING, IDLE, LIVE, STOPPED, WAITING } from "./link.js";
import { unsent } from "./pending.js";
import { CLOSED, needed, OPEN, OPENING, type Stream } from "./stream.js";

/** Says what a step did to the status and to the next tick. */
export function report(c: Client): void {
  const s = statusNow(c);
  const was = c.status;
  if (
    s.status !== was.status ||
    s.code !== was.code ||
    s.reason !== was.reason ||
    s.retryAt !== was.retryAt
  ) {
    c.status = s;
    emit(c, s);
  }
  const at = nextTick(c);
  if (at !== c.wake) {
    c.wake = at;
    emit(c, { do: "wake", at });
  }
}

function statusNow(c: Client): StatusEffect {
  const l = c.link;
  const s = (status: StatusEffect["status"], from = { code: 0, reason: "" }, retryAt = 0): StatusEffect => ({
    do: "status",
    status,
    code: from.code,
    reason: from.reason,
    retryAt,
  });
  switch (l.phase) {
    case STOPPED:
      return s(l.end.status, l.end);
    case IDLE:
      return s(l.started ? "offline" : "idle");
    case WAITING:
      return s("offline", l.last, l.retryAt);
    case LIVE: {
      const behind = (st: Stream) => (st.phase === CLOSED || st.phase === OPENING) && needed(st);
      return s(Array.from(c.streams.values()).some(behind) ? "catching-up" : "online");
    }
  }
  return s("connecting", l.last);
}

/**
 * The earliest time at which something falls due, 0 for never. What is due already waits for the next
 * flush, which needs no timer.
 */
function nextTick(c: Client): number {
  const l = c.link;
  let next = 0;
  const at = (t: number) => {
    if (t && (!next || t < next)) next = t;
  };
  if (l.phase === WAITING) at(l.retryAt);
  else if (l.phase === DIALING || l.phase === GREETING) at(l.deadline);
  else if (l.phase === LIVE) {
    at(l.pongBy || l.pingAt);
    for (const st of c.streams.values()) {
      const t = dueAt(c, st);
      if (t > c.now) at(t);
    }
  }
  return next;
}

/** When a stream that waits for time alone goes on, 0 if it waits for none. */
function dueAt(c: Client, st: Stream): number {
  if (st.phase === CLOSED && needed(st)) return st.openAt;
  if (st.phase === OPEN && c.link.writable && unsent(st)) return Math.max(st.sendAt, c.link.writeAt);
  return 0;
}
