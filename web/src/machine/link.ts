import { canonical } from "../wire/canonical.js";
import type { HubMessage, Limits } from "../wire/message.js";
import { backoff, type Client, emit, jitter, newInc, newRef, send } from "./client.js";
import type { StatusName, TokenReason } from "./effect.js";
import { CLOSED, loseStream, needed, OPEN, OPENING, openOf } from "./stream.js";

/** Where the connection is. The order matters: from DIALING on there is a socket. */
export const IDLE = 0; // not started, or offline on purpose
export const STOPPED = 1; // given up until connect; end says how
export const WAITING = 2; // for retryAt
export const TOKENING = 3; // for a token
export const DIALING = 4; // for the socket
export const GREETING = 5; // hello sent, for the welcome
export const LIVE = 6;

/** The bytes of the streams that hello opens: until a hub knows who is there it takes 16 KiB. */
const HELLO_BYTES = 8 << 10;

/** Bounds of the protocol; a hub may lower them in its welcome. */
const BOUNDS = { message_bytes: 10 << 20, batch_ops: 1000, inflight_ops: 1024 };

type Drop = { code: number; reason: string };

/** The connection. At most one socket is in use; its number tells it from those that were given up. */
export type Link = {
  id: number;
  phase: number;
  started: boolean;
  online: boolean;
  end: Drop & { status: StatusName };
  /** Attempts since the last session that lasted. */
  attempt: number;
  reason: TokenReason;
  /** A refused token was replaced once already. */
  forced: boolean;
  /** A token for the live session was asked for. */
  renewing: boolean;
  token: string;
  retryAt: number;
  notBefore: number;
  deadline: number;
  last: Drop;
  since: number;
  pingAt: number;
  /** 0: no ping is out. */
  pongBy: number;
  pings: number;
  limits: Omit<Limits, "streams">;
  writable: boolean;
  /** Nothing is pushed before: clients come back spread over a second. */
  writeAt: number;
};

export function newLink(): Link {
  return {
    id: 0,
    phase: IDLE,
    started: false,
    online: true,
    end: { status: "closed", code: 0, reason: "" },
    attempt: 0,
    reason: "connect",
    forced: false,
    renewing: false,
    token: "",
    retryAt: 0,
    notBefore: 0,
    deadline: 0,
    last: { code: 0, reason: "" },
    since: 0,
    pingAt: 0,
    pongBy: 0,
    pings: 0,
    limits: BOUNDS,
    writable: false,
    writeAt: 0,
  };
}

/** Begins to connect, from wherever the client stands still. */
export function connect(c: Client): void {
  const l = c.link;
  l.started = true;
  if (l.phase > WAITING || !l.online) return;
  l.attempt = l.notBefore = 0;
  l.forced = false;
  needToken(c, "connect");
}

export function setOnline(c: Client, online: boolean): void {
  const l = c.link;
  if (l.online === online) return;
  l.online = online;
  if (l.phase === STOPPED) return;
  if (!online) {
    hangup(c, 1001);
    l.phase = IDLE;
  } else if (l.started) connect(c);
}

/** Ends the connection until the next connect. */
export function stop(c: Client, status: StatusName, code: number, reason: string): void {
  hangup(c, 1000);
  c.link.phase = STOPPED;
  c.link.end = { status, code, reason };
}

function hangup(c: Client, code: number): void {
  if (c.link.phase >= DIALING) emit(c, { do: "hangup", link: c.link.id, code });
  lose(c);
}

/**
 * Gives a silent socket up and tries again. It does not wait for the socket's end: a black-holed one
 * reports none for minutes.
 */
function abandon(c: Client, reason: string): void {
  emit(c, { do: "hangup", link: c.link.id, code: 4504 });
  dropped(c, 0, reason);
}

function needToken(c: Client, reason: TokenReason): void {
  c.link.phase = TOKENING;
  c.link.reason = reason;
  emit(c, { do: "needToken", reason });
}

export function tokenReady(c: Client, token: string): void {
  const l = c.link;
  if (l.phase === TOKENING) {
    l.id++;
    l.phase = DIALING;
    l.deadline = c.now + answerWithin(c);
    if (c.cfg.tokenInHello) l.token = token;
    emit(c, { do: "dial", link: l.id, token });
  } else if (l.phase === LIVE && l.renewing) {
    l.renewing = false;
    send(c, { t: "auth", ref: newRef(c, "a"), token });
  }
}

export function tokenFailed(c: Client, final: boolean): void {
  const l = c.link;
  if (l.phase !== TOKENING) {
    l.renewing = false; // the hub will close with 4501, and then it is asked for again
  } else if (!final) retry(c, 0, "no token could be had");
  else if (l.reason === "rejected") stop(c, "denied", 4401, l.last.reason);
  else stop(c, "needs-auth", 0, "there is no token");
}

const answerWithin = (c: Client) => c.cfg.answerWithin ?? 10_000;
const pingEvery = (c: Client) => c.cfg.pingEvery ?? 20_000;

/** Says hello and opens what the first message has room for. */
export function greet(c: Client): void {
  const l = c.link;
  l.phase = GREETING;
  l.deadline = c.now + answerWithin(c);
  const hello: { t: "hello" } & Parameters<typeof send>[1] = {
    t: "hello",
    v: [1, 1],
    client: c.cfg.client,
    inc: newInc(c),
  };
  if (l.token) hello.token = l.token;
  l.token = "";
  let room = HELLO_BYTES;
  for (const st of c.streams.values()) {
    if (!needed(st)) continue;
    const open = openOf(c, st);
    // As long as the sub that would say the same, without a ref.
    room -= canonical({ ...open, t: "sub", ref: "" }).length;
    if (room < 0) break;
    hello.streams ??= [];
    hello.streams.push(open);
    st.phase = OPENING;
    st.ref = "";
  }
  send(c, hello);
}

export function welcome(c: Client, m: HubMessage & { t: "welcome" }): void {
  const l = c.link;
  if (m.v !== 1) {
    stop(c, "closed", 4426, "the hub speaks another version of the protocol");
    return;
  }
  l.phase = LIVE;
  l.forced = l.renewing = false;
  l.last = { code: 0, reason: "" };
  l.since = c.now;
  l.pingAt = c.now + pingEvery(c);
  l.pongBy = l.writeAt = l.notBefore = 0;
  l.writable = m.writable;
  // The hub's limit where it is the narrower one.
  const narrow = (name: keyof typeof BOUNDS) => Math.min(m.limits[name] || BOUNDS[name], BOUNDS[name]);
  l.limits = {
    message_bytes: narrow("message_bytes"),
    batch_ops: narrow("batch_ops"),
    inflight_ops: narrow("inflight_ops"),
  };
}

/** Takes the news that writing became possible or impossible. */
export function hubStatus(c: Client, m: HubMessage & { t: "hub" }): void {
  const l = c.link;
  const was = l.writable;
  l.writable = m.writable;
  if (!m.writable || was) return;
  l.writeAt = c.now + (m.after_ms ?? 0) + jitter(c, 1000);
  for (const st of c.streams.values()) {
    st.sendAt = 0;
    if (st.phase === OPEN && st.unsure) {
      st.phase = CLOSED;
      st.openAt = l.writeAt;
    } else if (st.phase === CLOSED) st.openAt = Math.min(st.openAt, l.writeAt);
  }
}

/** Deals with the end of the socket, wherever it was. */
export function dropped(c: Client, code: number, reason: string): void {
  const l = c.link;
  if (l.phase === LIVE && c.now - l.since >= (c.cfg.backoffCap ?? 10_000)) l.attempt = 0;
  lose(c);
  l.last = { code, reason };
  if (code === 4401 && !l.forced) {
    l.forced = true;
    needToken(c, "rejected");
  } else if (code >= 4400 && code < 4500) {
    l.phase = STOPPED;
    l.end = { status: code === 4401 || code === 4403 ? "denied" : "closed", code, reason };
  } else retry(c, code, reason);
}

/** Waits before the next attempt to connect. */
function retry(c: Client, code: number, reason: string): void {
  const l = c.link;
  l.phase = WAITING;
  l.last = { code, reason };
  l.reason = code === 4501 ? "expiring" : "connect";
  l.retryAt = Math.max(c.now + backoff(c, l.attempt), l.notBefore);
  l.attempt++;
}

/** Forgets what only the session knew. */
function lose(c: Client): void {
  for (const st of c.streams.values()) loseStream(st);
  for (const tag of c.asked.splice(0)) {
    emit(c, {
      do: "historyFailed",
      tag,
      code: "unavailable",
      msg: "the connection was lost",
    });
  }
}

/** Notes a sign of life: a ping that is out has done its work. */
export function alive(c: Client): void {
  c.link.pongBy = 0;
}

export function tick(c: Client): void {
  const l = c.link;
  if (l.phase === WAITING) {
    if (c.now >= l.retryAt) needToken(c, l.reason);
  } else if (l.phase === DIALING || l.phase === GREETING) {
    if (c.now >= l.deadline) abandon(c, "the hub did not answer");
  } else if (l.phase === LIVE) {
    if (l.pongBy) {
      if (c.now >= l.pongBy) abandon(c, "the hub fell silent");
    } else if (c.now >= l.pingAt) {
      l.pingAt = c.now + pingEvery(c);
      l.pongBy = c.now + (c.cfg.pongWithin ?? 8_000);
      send(c, { t: "ping", n: ++l.pings });
    }
  }
}
