import type { Json } from "../wire/canonical.js";
import type { Code } from "../wire/error.js";

/** What a client remembers of its writer and its place on a stream. */
export type Head = {
  stream: string;
  /** Empty: not known yet. */
  rule: string;
  inc: string;
  /** The next op's seq. */
  next: number;
  /** The highest acked seq, and the writer hash there. */
  acked: number;
  hash: string;
  /** Empty: never synced. */
  epoch: string;
  /** The highest `at` of an op so far; the next is not below. */
  at: number;
  /** False: the hub's state was never seen, `at` means nothing. */
  seen: boolean;
};

/** A queued op. Its prev and hash follow from the ops before it. */
export type QueuedOp = {
  seq: number;
  at: number;
  /** Made before the hub's state was ever seen: the first synced sets `at`. */
  blind: boolean;
  /** Canonical JSON. */
  op: string;
  /** The queue kept its place, but no body: if the hub lacks it, it becomes a dead letter. */
  lost?: boolean;
};

/** An op that was refused for good. */
export type DeadLetter = {
  stream: string;
  inc: string;
  seq: number;
  hash: string;
  /** It was sent at least once. */
  sent: boolean;
  code: Code;
  msg: string;
  /** Canonical JSON. */
  op: string;
};

/** A confirmed state with its place. */
export type Kept = { cursor: string; state: Json };

/** Everything that is saved of a stream. */
export type SavedStream = { head: Head; ops: QueuedOp[]; kept?: Kept | undefined };

/** Everything that a client needs to go on after a restart. */
export type Saved = { streams: SavedStream[]; dead: DeadLetter[] };

/** Makes the head one that has given out an op: its seq is never given out again. */
export function follow(head: Head, o: QueuedOp): void {
  head.next = Math.max(head.next, o.seq + 1);
  if (o.blind) return;
  head.at = head.seen ? Math.max(head.at, o.at) : o.at;
  head.seen = true;
}
