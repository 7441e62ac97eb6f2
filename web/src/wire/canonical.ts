import { refuse } from "./error.js";

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
/** A JSON object. */
export type JsonObject = { [key: string]: Json };

/** How deep a message may nest arrays and objects, and how deep an op. */
export const MESSAGE_DEPTH = 32;
export const OP_DEPTH = 28;

/**
 * The canonical form of RFC 8785: keys ordered by UTF-16 code units, shortest numbers, no spaces. Members
 * that are undefined are left out, as JSON.stringify does. What JSON cannot carry from one language to
 * another is refused: half of a surrogate pair (bad_text), an integer beyond ±(2^53−1), NaN, functions
 * and too deep nesting (bad_op).
 */
export function canonical(value: unknown, depth = MESSAGE_DEPTH): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value) || (Number.isInteger(value) && !safe(value))) {
      refuse("bad_op", "a number is beyond 2^53-1", "send it as a string");
    }
    return String(value === 0 ? 0 : value);
  }
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value !== "object" || depth < 1) {
    refuse("bad_op", "this is no JSON value, or nests too deep");
  }
  if (Array.isArray(value)) return `[${value.map((v) => canonical(v, depth - 1)).join(",")}]`;
  const object = value as { [key: string]: unknown };
  let out = "";
  for (const key of Object.keys(object).sort()) {
    const member = object[key];
    if (member !== undefined) out += `${out && ","}${quote(key)}:${canonical(member, depth - 1)}`;
  }
  return `{${out}}`;
}

/** Integers of 10^21 and above have a canonical form with an exponent, which no reader takes for exact. */
function safe(n: number): boolean {
  return Number.isSafeInteger(n) || Math.abs(n) >= 1e21;
}

function quote(text: string): string {
  if (halfPair.test(text)) {
    refuse("bad_text", "half of a surrogate pair", "never split an emoji");
  }
  return JSON.stringify(text);
}

const STRICT = "this is not strict JSON";
const halfPair = /\p{Surrogate}/u;

/**
 * Parses JSON strictly: what JSON.parse accepts, less keys that occur twice and texts that hold half of a
 * surrogate pair.
 */
export function parse(text: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return refuse("bad_json", STRICT);
  }
  // JSON.parse keeps the last of equal keys. Every key is a string before a colon; count them. The other
  // strings are matched too: the search must not go on inside of one.
  const strings = text.match(/"[^"\\]*(?:\\.[^"\\]*)*"\s*:?/g) ?? [];
  if (keys(value, MESSAGE_DEPTH) !== strings.filter((s) => s.endsWith(":")).length) {
    refuse("bad_json", STRICT);
  }
  return value;
}

function keys(value: Json, depth: number): number {
  if (typeof value === "string" && halfPair.test(value)) refuse("bad_text", STRICT);
  if (typeof value === "number" && Number.isInteger(value) && !safe(value)) {
    refuse("bad_message", STRICT);
  }
  if (value === null || typeof value !== "object") return 0;
  if (depth < 1) refuse("bad_json", STRICT);
  let n = 0;
  if (Array.isArray(value)) for (const v of value) n += keys(v, depth - 1);
  else for (const k of Object.keys(value)) n += 1 + keys(k, 1) + keys(value[k] as Json, depth - 1);
  return n;
}
