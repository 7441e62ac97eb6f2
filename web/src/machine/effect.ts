import type { Json } from "../wire/canonical.js";
import type { Code } from "../wire/error.js";
import type { As, ClientMessage, Entry, HubMessage, Mode } from "../wire/message.js";
import type { DeadLetter, Head, QueuedOp } from "./saved.js";

/** What an application shows of its connection. */
export type StatusName =
  | "idle" // not connected yet
  | "connecting" // the first attempt, or one after a drop
  | "catching-up" // connected; some streams are not up to date
  | "online"
  | "offline" // waiting for the next attempt, or offline on purpose
  | "needs-auth" // there is no token
  | "denied" // the hub refuses the token, the origin or the client
  | "closed"; // closed, or replaced by a newer session of this client

/** Why a token is needed: to connect, because the present one ends soon, or because it was refused. */
export type TokenReason = "connect" | "expiring" | "rejected";

/** A close code and words for people say why the last connection ended; retryAt is the next attempt. */
export type StatusEffect = {
  do: "status";
  status: StatusName;
  code: number;
  reason: string;
  retryAt: number;
};

/** What must be durable before any later effect is carried out. */
export type DurableEffect =
  /** Replaces all that is saved of a stream but its dead letters and its kept state. */
  | { do: "saveStream"; head: Head; ops: QueuedOp[] }
  | { do: "saveHead"; head: Head }
  /** Appends an op to a stream's queue, or replaces the one with its seq. */
  | { do: "saveOp"; stream: string; op: QueuedOp }
  | { do: "dropOps"; stream: string; through: number }
  /** Moves an op from its queue to the dead letters. */
  | { do: "saveDead"; dead: DeadLetter }
  | { do: "dropDead"; stream: string; inc: string; seq: number }
  /** Keeps a confirmed state, with its head, and removes the ops that it contains from the queue. */
  | { do: "saveState"; head: Head; cursor: string; state: Json; through: number };

/** Things that the shell must do, in their order. */
export type Effect =
  | { do: "needToken"; reason: TokenReason }
  | { do: "dial"; link: number; token: string }
  | { do: "send"; link: number; msg: ClientMessage }
  /** Gives a socket up, open or not. The machine no longer listens to it. */
  | { do: "hangup"; link: number; code: number }
  /** Asks for a tick, in place of the last one asked for. 0: none. */
  | { do: "wake"; at: number }
  | DurableEffect
  | { do: "changed"; stream: string }
  | { do: "acked"; stream: string; seq: number }
  | { do: "rejected"; id: number; dead: DeadLetter }
  /** An op that was taken for lost is committed after all. */
  | { do: "recovered"; dead: DeadLetter }
  /** The hub lost history that this client had seen; the state was replaced. */
  | { do: "discontinuity"; stream: string }
  | { do: "presenceChanged"; stream: string }
  | { do: "heard"; stream: string; client: string; event: string; data: Json }
  | { do: "historyPage"; tag: number; entries: Entry[]; more: boolean }
  | { do: "historyFailed"; tag: number; code: Code; msg: string }
  | { do: "fault"; stream: string; code: Code; msg: string }
  | StatusEffect;

/** What a client steps on: events of the application, then events of the shell. */
export type Event =
  | { do: "connect" }
  | { do: "close" }
  | { do: "online"; online: boolean }
  | { do: "open"; stream: string; rule: string; mode: Mode | ""; as: As | ""; whole?: boolean }
  | { do: "closeStream"; stream: string }
  | { do: "push"; stream: string; op: unknown }
  | { do: "presence"; stream: string; state: Json }
  | { do: "emit"; stream: string; event: string; data: Json }
  | { do: "history"; tag: number; stream: string; before: number; limit: number }
  | { do: "keep"; stream: string }
  | { do: "discard"; stream: string; inc: string; seq: number }
  | { do: "token"; token: string }
  | { do: "noToken"; final: boolean }
  | { do: "connected"; link: number }
  | { do: "received"; link: number; msg: HubMessage }
  | { do: "progress"; link: number }
  | { do: "disconnected"; link: number; code: number; reason: string }
  | { do: "tick" }
  | { do: "flush" };
