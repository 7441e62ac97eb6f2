import { sha256 } from "./sha256.js";

/** The writer hash before the first op. */
export const NO_HASH = "0".repeat(16);

const encoder = new TextEncoder();

/** UTF-8. Half of a surrogate pair becomes U+FFFD. */
export const utf8 = (text: string) => encoder.encode(text);

/** The length of a text in bytes of UTF-8. */
export function byteLength(text: string): number {
  return utf8(text).length;
}

/** SHA-256 of a text's UTF-8, or of bytes, as lower-case hex. */
export function digest(data: string | Uint8Array): string {
  return hex(sha256(typeof data === "string" ? utf8(data) : data));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

/**
 * The writer hash after an op: the first 8 bytes of SHA-256(previous hash, seq as 8 bytes, op), as hex
 * (docs/protocol.md, section 3).
 */
export function writerHash(previous: string, seq: number, body: string): string {
  const op = utf8(body);
  const data = new Uint8Array(16 + op.length);
  for (let i = 0; i < 8; i++) data[i] = Number.parseInt(previous.slice(i * 2, i * 2 + 2), 16);
  const view = new DataView(data.buffer);
  view.setUint32(8, seq / 0x100000000);
  view.setUint32(12, seq);
  data.set(op, 16);
  return digest(data).slice(0, 16);
}
