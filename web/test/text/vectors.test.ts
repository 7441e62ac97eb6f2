import { describe, expect, it } from "vitest";
import { digestInput, TextReplica } from "../../src/text/index.js";
import documents from "./documents.json";
import { base64Of, bytesOf, hex, vectors } from "./vectors.js";

/** A text as the rule has it: the options of a stream say which root is shown. */
function replay(v: (typeof vectors)[number]): TextReplica {
  const root = v.ops.find((o) => o.op.op === "options")?.op.root ?? "text";
  const refused = new Set(v.refused.map(([i]) => i));
  const text = new TextReplica({ root });
  for (const [i, { op }] of v.ops.entries()) {
    if (op.op === "initial") text.apply(new TextReplica().insert(0, op.value ?? "").update);
    if (op.op === "update" && !refused.has(i)) text.apply(bytesOf(op.update ?? ""));
  }
  return text;
}

describe("the vectors shared with Go", () => {
  it("are there", () => expect(vectors.length).toBeGreaterThanOrEqual(5));

  it.each(vectors.map((v) => [v.name, v] as const))("%s", async (_, v) => {
    for (const text of [
      replay(v),
      new TextReplica({ root: v.state.root, update: bytesOf(v.state.update) }),
    ]) {
      expect(base64Of(text.encode())).toBe(v.state.update);
      expect(text.toString()).toBe(v.value);
      expect(base64Of(digestInput(text))).toBe(v.digested);
      const digest = await crypto.subtle.digest("SHA-256", digestInput(text) as BufferSource);
      expect(hex(new Uint8Array(digest))).toBe(v.digest);
    }
  });

  it("hold what an author makes of its edits", () => {
    const v = vectors.find((x) => x.name === "one author types and deletes");
    const client = 2952250264;
    const text = new TextReplica({ client });
    const made = [
      text.insert(0, "hello wrold"),
      text.delete(7, 2),
      text.insert(7, "or"),
      text.insert(11, " 👋 é"),
      text.delete(12, 2),
    ];
    expect(made.map((e) => base64Of(e.update))).toEqual(v?.ops.map((o) => o.op.update));
  });
});

/** Documents of yjs with all kinds of content, and what the Go engine digests of them. */
describe("documents that others made", () => {
  it.each(documents.map((d, i) => [i, d] as const))("document %i", (_, { update, digested }) => {
    const text = new TextReplica({ update: bytesOf(update) });
    expect(base64Of(text.encode())).toBe(update);
    expect(base64Of(digestInput(text))).toBe(digested);
  });
});
