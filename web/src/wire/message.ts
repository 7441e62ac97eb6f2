import type { Json, JsonObject } from "./canonical.js";
import type { Code } from "./error.js";

/**
 * The messages of docs/protocol.md, section 4. One WebSocket text message holds one or more of them, one a
 * line.
 */

/** What a client asks of a stream: reading, writing, both. */
export type Mode = "r" | "w" | "rw";
/** How a stream is read: as its rule's state, or as the value that the hub shows. */
export type As = "state" | "value";
/** The answer to an open. */
export type Outcome = "resumed" | "delta" | "snapshot" | "write" | "denied" | "gone";

/** How a client continues a stream. */
export type OpenRequest = {
  stream: string;
  inc?: string;
  mode: Mode;
  as: As;
  cursor?: string;
  acked?: number;
  hash?: string;
  unacked?: number;
};

export type ClientMessage =
  | { t: "hello"; v: [number, number]; client: string; inc: string; token?: string; streams?: OpenRequest[] }
  | ({ t: "sub"; ref: string } & OpenRequest)
  | { t: "unsub"; stream: string; ref?: string }
  | { t: "push"; stream: string; seq?: number; prev?: number; at?: number; ops: JsonObject[] }
  | { t: "presence"; stream: string; state: Json }
  | { t: "emit"; stream: string; event: string; data: Json; ref?: string }
  | { t: "history"; ref: string; stream: string; before: number; limit: number }
  | { t: "auth"; ref: string; token: string }
  | { t: "ping"; n: number };

/** A committed op. On an ephemeral stream `n` and `hub` take the place of off, inc, seq and at. */
export type Entry = {
  off: number;
  client: string;
  inc: string;
  seq: number;
  at: number;
  op: JsonObject;
  n?: number;
  hub?: string;
};

/** Another client on a stream, and what it shows of itself. */
export type Peer = { client: string; session: number; state: Json };

/** What the hub has of a writer: its last seq, the hash there, and the hashes since the last ack. */
export type Yours = { seq: number; hash: string; trail?: [number, string][] };

export type Limits = { batch_ops: number; inflight_ops: number; message_bytes: number; streams: number };

export type Synced = {
  t: "synced";
  ref?: string;
  stream: string;
  rule?: string;
  options?: Json;
  mode?: Mode;
  outcome: Outcome;
  cursor?: string;
  state?: Json;
  base?: number;
  value?: Json;
  entries?: Entry[];
  yours?: Yours;
};

export type HubError = {
  t: "error";
  code: Code;
  retry: boolean;
  msg: string;
  ref?: string;
  stream?: string;
  seq?: number;
  expected?: number;
  scope?: string;
  after_ms?: number;
};

export type Ops = { t: "ops"; stream: string; from?: number; cursor?: string; entries: Entry[] };

export type HubMessage =
  | {
      t: "welcome";
      v: number;
      session: number;
      hub: string;
      durability: string;
      writable: boolean;
      limits: Limits;
    }
  | Synced
  | Ops
  | { t: "value"; stream: string; cursor?: string; value: Json }
  | { t: "ack"; stream: string; seq: number; hash: string }
  | { t: "reject"; stream: string; seq: number; code: Code; msg: string }
  | HubError
  | { t: "hub"; writable: boolean; after_ms?: number }
  | {
      t: "presence";
      stream: string;
      peers?: Peer[];
      left?: { client: string; session: number }[];
      full?: boolean;
    }
  | { t: "event"; stream: string; client: string; event: string; data: Json }
  | { t: "history"; ref: string; stream: string; entries: Entry[]; more: boolean }
  | { t: "expiring"; in_ms: number }
  | { t: "authed"; ref: string }
  | { t: "drain"; after_ms: number }
  | { t: "pong"; n: number };
