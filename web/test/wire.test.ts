import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { canonical, OP_DEPTH, parse } from "../src/wire/canonical.js";
import { decode } from "../src/wire/decode.js";
import { FlowSyncError, isRetryable } from "../src/wire/error.js";
import { digest, writerHash } from "../src/wire/hash.js";
import { parseCursor } from "../src/wire/name.js";
import { sha256 } from "../src/wire/sha256.js";
import { vectors } from "./vectors.js";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (e) {
    if (e instanceof FlowSyncError) return e.code;
    throw e;
  }
  return "";
}

type Canonical = { name: string; in: string; out?: string; code?: string };

test.each(vectors<Canonical[]>("canonical"))("canonical: $name", (v) => {
  if (v.out !== undefined) {
    expect(canonical(parse(v.in), OP_DEPTH)).toBe(v.out);
    return;
  }
  const code = codeOf(() => canonical(parse(v.in), OP_DEPTH));
  // The decoder of hub messages names integers by its own code, an op in the making by bad_op.
  expect(code === "bad_message" ? "bad_op" : code).toBe(v.code);
});

test("what JSON cannot carry is refused when an op is made", () => {
  expect(codeOf(() => canonical({ n: 2 ** 53 }))).toBe("bad_op");
  expect(codeOf(() => canonical({ n: Number.NaN }))).toBe("bad_op");
  expect(codeOf(() => canonical({ n: 10n }))).toBe("bad_op");
  expect(codeOf(() => canonical({ f: () => 1 }))).toBe("bad_op");
  expect(codeOf(() => canonical({ s: "\ude00" }))).toBe("bad_text");
  expect(codeOf(() => canonical({ "\ud83d": 1 }))).toBe("bad_text");
  expect(canonical({ b: undefined, a: -0 })).toBe('{"a":0}');
});

test("what stands between two strings is no key", () => {
  expect(parse('["a",":)"]')).toEqual(["a", ":)"]);
  expect(parse('{"k":["a\\\\",": b",{"c":":"}]}')).toEqual({ k: ["a\\", ": b", { c: ":" }] });
  expect(codeOf(() => parse('["a",":",{"k":1,"k":1}]'))).toBe("bad_json");
});

type Message = { from: string; name: string; json: string; code: string };
const messages = vectors<{ messages: Message[]; refused: Message[] }>("messages");

test.each(messages.messages.filter((m) => m.from === "hub"))("the hub's $name", (m) => {
  const line = JSON.stringify(JSON.parse(m.json));
  expect(JSON.stringify(decode(m.json))).toBe(line);
  expect(canonical(decode(m.json))).toBe(canonical(JSON.parse(m.json)));
});

test.each(messages.messages.filter((m) => m.from === "client"))("a client's $name, as it is written", (m) => {
  expect(canonical(JSON.parse(m.json))).toBe(m.json);
});

test.each(messages.refused.filter((m) => m.from === "hub"))("refused from the hub: $name", (m) => {
  expect(codeOf(() => decode(m.json))).toBe(m.code);
});

type Hashes = {
  writer: { prev: string; seq: number; op: string; hash: string }[];
  cursors: { epoch: string; offset: number; cursor: string }[];
};

test("writer hashes and cursors", () => {
  const v = vectors<Hashes>("hashes");
  expect(v.writer.length).toBeGreaterThan(0);
  for (const w of v.writer) expect(writerHash(w.prev, w.seq, w.op)).toBe(w.hash);
  for (const c of v.cursors) expect(parseCursor(c.cursor)).toEqual({ epoch: c.epoch, offset: c.offset });
  for (const bad of ["", "x", "0123456789abcdef.01.89abcdef.0011223344556677", `${v.cursors[0]?.cursor}0`]) {
    expect(parseCursor(bad)).toBeUndefined();
  }
});

test("SHA-256 of every length around its blocks is that of Node", () => {
  for (let n = 0; n < 200; n++) {
    const data = new Uint8Array(n).map((_, i) => (i * 31 + n) & 255);
    expect(digest(data)).toBe(createHash("sha256").update(data).digest("hex"));
  }
  const large = new Uint8Array(3_000_001).fill(7);
  expect(Buffer.from(sha256(large)).toString("hex")).toBe(createHash("sha256").update(large).digest("hex"));
});

test("codes and which of them are worth trying again", () => {
  const v = vectors<{ codes: { code: string; retry: boolean }[] }>("codes");
  for (const c of v.codes) expect([c.code, isRetryable(c.code)]).toEqual([c.code, c.retry]);
});
