/**
 * Lines of JSON, as strict as the Go node's: a key twice, deep nesting and what does not survive between
 * languages are refused.
 */

/** A command that cannot be carried out, with a code of the protocol. */
export class Problem extends Error {
  constructor(code, msg) {
    super(msg);
    this.code = code;
  }
}

const DEPTH = 32;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads one line of UTF-8. */
export function parse(bytes) {
  let text;
  let value;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new Problem("bad_json", "the line is not JSON");
  }
  // JSON.parse keeps the last of equal keys. Every key is a string before a colon: count them.
  const strings = text.match(/"[^"\\]*(?:\\.[^"\\]*)*"\s*:?/g) ?? [];
  if (look(value, DEPTH) !== strings.filter((s) => s.endsWith(":")).length) {
    throw new Problem("bad_json", "an object has a key twice");
  }
  return value;
}

/** Counts the keys of a value, and refuses what is not sound. */
function look(value, depth) {
  if (typeof value === "string" && !wellFormed(value)) {
    throw new Problem("bad_text", "a string holds half of a surrogate pair");
  }
  if (typeof value === "number" && !exact(value)) {
    throw new Problem("bad_op", "a number is too large, or an integer beyond 2^53-1");
  }
  if (value === null || typeof value !== "object") return 0;
  if (depth < 1) throw new Problem("bad_json", "the line nests too deep");
  let n = 0;
  if (Array.isArray(value)) for (const v of value) n += look(v, depth - 1);
  else for (const k of Object.keys(value)) n += 1 + look(k, 1) + look(value[k], depth - 1);
  return n;
}

const wellFormed = (s) => !/\p{Surrogate}/u.test(s);
const exact = (n) =>
  Number.isInteger(n) ? Number.isSafeInteger(n) || Math.abs(n) >= 1e21 : Number.isFinite(n);

/** Writes a value as canonical JSON: keys ordered by UTF-16 code units. */
export function canonical(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value === 0 ? 0 : value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.keys(value).sort();
  return `{${members.map((k) => `${JSON.stringify(k)}:${canonical(value[k])}`).join()}}`;
}

/** Writes an answer or an event: its own fields in their order, what they hold as canonical JSON. */
export function format(line) {
  const fields = Object.entries(line).filter(([, v]) => v !== undefined);
  return `{${fields.map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`).join()}}\n`;
}
