import { type Json, parse } from "./canonical.js";
import { type Code, refuse } from "./error.js";
import type { HubMessage } from "./message.js";
import { validStream } from "./name.js";

/**
 * The fields of every message of the hub. A letter is a type: n integer from 0, s string, h hash of 16 hex
 * digits, b true or false, m stream name, j anything, o object, [X] a list of X, X a shape below. A question
 * mark: may be left out.
 */
const shapes: { [name: string]: string } = {
  welcome: "v:n session:n hub:s durability:s writable:b limits:L",
  synced:
    "ref?:s stream:m rule?:s options?:o mode?:s outcome:s cursor?:s state?:j base?:n value?:j entries?:[E] yours?:Y",
  ops: "stream:m from?:n cursor?:s entries:[E]",
  value: "stream:m cursor?:s value:j",
  ack: "stream:m seq:n hash:h",
  reject: "stream:m seq:n code:s msg:s",
  error: "code:s retry:b msg:s ref?:s stream?:m seq?:n expected?:n scope?:s after_ms?:n",
  hub: "writable:b after_ms?:n",
  presence: "stream:m peers?:[P] left?:[Q] full?:b",
  event: "stream:m client:s event:s data:j",
  history: "ref:s stream:m entries:[E] more:b",
  expiring: "in_ms:n",
  authed: "ref:s",
  drain: "after_ms:n",
  pong: "n:n",
  L: "batch_ops:n inflight_ops:n message_bytes:n streams:n",
  Y: "seq:n hash:h trail?:[T]",
  P: "client:s session:n state:j",
  Q: "client:s session:n",
  E: "off:n client:s inc:h seq:n at:n op:o",
  K: "client:s n:n hub:s op:o",
};

/** Decodes one line of the hub, strictly. It throws a FlowSyncError for anything else. */
export function decode(line: string): HubMessage {
  const m = parse(line) as { [key: string]: Json };
  const t = isObject(m) && m.t;
  if (typeof t !== "string") return bad();
  if (!/^[a-z]/.test(t) || !Object.hasOwn(shapes, t)) bad("unknown_type");
  const { t: _, ...fields } = m;
  if (!fits(fields, t)) bad();
  if (t === "ops" && (m.from === undefined) !== (m.cursor === undefined)) bad();
  if (t === "synced") {
    const refused = m.outcome === "denied" || m.outcome === "gone";
    if (
      !/^(resumed|delta|snapshot|write|denied|gone)$/.test(m.outcome as string) ||
      !/^(r|w|rw|undefined)$/.test(String(m.mode)) ||
      (refused ? m.mode !== undefined : !m.mode || !m.rule) ||
      (m.state === undefined) !== (m.base === undefined) ||
      (m.state !== undefined && m.value !== undefined)
    ) {
      bad();
    }
  }
  return m as unknown as HubMessage;
}

function bad(code: Code = "bad_message"): never {
  return refuse(code, "the hub sent a message that the protocol does not have");
}

function isObject(v: Json | undefined): v is { [key: string]: Json } {
  return typeof v === "object" && v !== null && !Array.isArray(v);
}

function fits(v: Json | undefined, shape: string): boolean {
  if (shape[0] === "[") return Array.isArray(v) && v.every((item) => fits(item, shape[1] as string));
  switch (shape) {
    case "n":
      return Number.isSafeInteger(v) && (v as number) >= 0;
    case "s":
      return typeof v === "string";
    case "h":
      return typeof v === "string" && /^[0-9a-f]{16}$/.test(v);
    case "b":
      return typeof v === "boolean";
    case "m":
      return typeof v === "string" && validStream(v);
    case "j":
      return true;
    case "T":
      return Array.isArray(v) && v.length === 2 && fits(v[0], "n") && fits(v[1], "h");
  }
  if (!isObject(v)) return false;
  if (shape === "o") return true;
  if (shape === "E") {
    if (v.n !== undefined) shape = "K";
    else if (v.off === 0) return false;
  }
  let known = 0;
  for (const field of (shapes[shape] as string).split(" ")) {
    const [, name, optional, type] = /(\w+)(\??):(.+)/.exec(field) as unknown as [
      string,
      string,
      string,
      string,
    ];
    if (!Object.hasOwn(v, name)) {
      if (!optional) return false;
    } else if (!fits(v[name], type)) return false;
    else known++;
  }
  return known === Object.keys(v).length;
}
