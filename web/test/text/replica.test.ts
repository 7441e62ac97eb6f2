import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { digestInput, mergeUpdates, skeleton, TextReplica } from "../../src/text/index.js";
import { FlowSyncError } from "../../src/wire/error.js";
import { Random } from "./random.js";
import { hex } from "./vectors.js";

const codeOf = (f: () => unknown): string => {
  try {
    f();
  } catch (e) {
    expect(e).toBeInstanceOf(FlowSyncError);
    return (e as FlowSyncError).code;
  }
  return "none";
};

describe("positions", () => {
  it("are clamped", () => {
    const text = new TextReplica({ client: 1 });
    text.insert(99, "b");
    text.insert(-1, "a");
    text.insert(Number.NaN, "_");
    expect(text.toString()).toBe("_ab");
    expect(text.delete(1, 99).splices).toEqual([{ pos: 1, del: 2, ins: "" }]);
    expect(hex(text.delete(1, 5).update)).toBe("0000");
    expect(text.length).toBe(1);
  });

  it("never tear a pair", () => {
    const text = new TextReplica({ client: 1 });
    text.insert(0, "a😀b");
    text.insert(2, "-");
    expect(text.toString()).toBe("a-😀b");
    text.delete(3, 1);
    expect(text.toString()).toBe("a-b");
    text.replace(2, 0, "👍");
    text.delete(2, 1);
    expect(text.toString()).toBe("a-b");
  });

  it("take no half of one", () => {
    const text = new TextReplica({ client: 1 });
    expect(codeOf(() => text.insert(0, "\ud83d"))).toBe("bad_text");
    expect(codeOf(() => text.insert(0, "\ude00x"))).toBe("bad_text");
    expect(text.toString()).toBe("");
  });

  it("count an embed as one, as Yjs does", () => {
    const doc = new Y.Doc();
    doc.getText("text").insert(0, "ab");
    doc.getText("text").insertEmbed(1, { image: "a.png" });
    const text = new TextReplica({ client: 1, update: Y.encodeStateAsUpdate(doc) });
    expect([text.toString(), text.shownText(), text.length]).toEqual(["ab", "a\ufffcb", 3]);
    text.insert(2, "c");
    Y.applyUpdate(doc, text.delete(0, 1).update);
    Y.applyUpdate(doc, text.encode());
    expect(doc.getText("text").toDelta()).toEqual([{ insert: { image: "a.png" } }, { insert: "cb" }]);
    expect(text.delete(0, 2).splices).toEqual([{ pos: 0, del: 2, ins: "" }]);
    Y.applyUpdate(doc, text.encode());
    expect(doc.getText("text").toDelta()).toEqual([{ insert: "b" }]);
  });
});

describe("updates", () => {
  it("that depend on what is missing are refused and change nothing", () => {
    const mine = new TextReplica({ client: 1 });
    const first = mine.insert(0, "ab").update;
    const second = mine.insert(1, "x").update;
    const third = mine.delete(0, 1).update;
    const theirs = new TextReplica();
    for (const early of [second, third, mergeUpdates([second, third])]) {
      expect(codeOf(() => theirs.apply(early))).toBe("missing_dependency");
      expect(codeOf(() => theirs.check(early))).toBe("missing_dependency");
      expect(hex(theirs.encode())).toBe("0000");
    }
    theirs.apply(first);
    theirs.check(second);
    expect(theirs.apply(second)).toEqual({ splices: [{ pos: 1, del: 0, ins: "x" }], clients: [1] });
    expect(theirs.apply(second)).toEqual({ splices: [], clients: [] });
    theirs.apply(third);
    expect(hex(theirs.encode())).toBe(hex(mine.encode()));
  });

  it("under the own client say that it is taken", () => {
    const text = new TextReplica({ client: 7 });
    const { update } = text.insert(0, "a");
    text.apply(update);
    expect(text.taken).toBe(false);
    const other = text.fork();
    text.apply(other.insert(1, "b").update);
    expect(text.taken).toBe(true);
    text.client = 8;
    expect(text.taken).toBe(false);
    text.insert(2, "c");
    expect(text.toString()).toBe("abc");
  });

  it("of a rejected op leave a skeleton for the next one", () => {
    const mine = new TextReplica({ client: 5 });
    const base = mine.insert(0, "base").update;
    const confirmed = new TextReplica({ update: base });
    const rejected = mine.insert(2, "rejected").update;
    const next = mine.insert(6, "!").update;
    const carried = mergeUpdates([skeleton(rejected), next]);
    const change = confirmed.apply(carried);
    expect(change.splices).toEqual([{ pos: 2, del: 0, ins: "!" }]);
    expect(confirmed.toString()).toBe("ba!se");
    const doc = new Y.Doc();
    Y.applyUpdate(doc, base);
    Y.applyUpdate(doc, carried);
    expect(doc.getText("text").toString()).toBe("ba!se");
  });

  it("merge as in yjs", { timeout: 60_000 }, () => {
    const r = new Random(11);
    const mine = new TextReplica({ client: 5 });
    const updates: Uint8Array[] = [];
    for (let i = 0; i < 60; i++) {
      updates.push(mine.replace(r.below(mine.length + 1), r.below(3), r.text()).update);
    }
    for (let i = 0; i < 100; i++) {
      const some = updates.filter(() => r.chance(40));
      if (some.length > 1) expect(hex(mergeUpdates(some))).toBe(hex(Y.mergeUpdates(some)));
    }
    expect(new TextReplica({ update: mergeUpdates(updates) }).toString()).toBe(mine.toString());
  });
});

describe("a fork", () => {
  it("is equal and independent", () => {
    const text = new TextReplica({ client: 3 });
    text.insert(0, "one two");
    text.delete(2, 2);
    const fork = text.fork();
    expect(hex(fork.encode())).toBe(hex(text.encode()));
    expect(hex(digestInput(fork))).toBe(hex(digestInput(text)));
    fork.insert(0, "x");
    expect(text.toString()).toBe("ontwo");
  });
});

describe("anchors", () => {
  it("are yjs' relative positions", () => {
    const r = new Random(3);
    const doc = new Y.Doc();
    doc.clientID = 9;
    const text = new TextReplica({ client: 9 });
    const ytext = doc.getText("text");
    doc.on("update", (u: Uint8Array) => text.apply(u));
    for (let i = 0; i < 200; i++) {
      const at = r.below(ytext.length + 1);
      if (r.chance(40)) ytext.delete(at, Math.min(r.below(4), ytext.length - at));
      else ytext.insert(at, "word");
      const pos = r.below(ytext.length + 1);
      for (const assoc of [0, -1]) {
        const theirs = Y.createRelativePositionFromTypeIndex(ytext, pos, assoc);
        const mine = JSON.parse(JSON.stringify(text.anchor(pos, assoc)));
        const place = Y.createAbsolutePositionFromRelativePosition(
          Y.createRelativePositionFromJSON(mine),
          doc,
        );
        expect(place?.index).toBe(pos);
        expect(text.resolve(Y.relativePositionToJSON(theirs))).toBe(pos);
      }
    }
  });

  it("stay while others edit", () => {
    const text = new TextReplica({ client: 1 });
    text.insert(0, "abcdef");
    const [behind, before, end] = [text.anchor(3), text.anchor(3, -1), text.anchor(6)];
    const other = new TextReplica({ client: 2, update: text.encode() });
    text.apply(other.insert(0, "__").update);
    text.apply(other.insert(5, "X").update);
    text.apply(other.insert(9, "Y").update);
    expect(text.toString()).toBe("__abcXdefY");
    expect([behind, before, end].map((a) => text.resolve(a))).toEqual([6, 5, 10]);
    text.apply(other.delete(4, 4).update);
    expect(text.toString()).toBe("__abfY");
    expect([behind, before].map((a) => text.resolve(a))).toEqual([4, 4]);
  });

  it("of nowhere are nowhere", () => {
    const text = new TextReplica({ client: 1 });
    text.insert(0, "a");
    const odd: unknown[] = [
      { item: { client: 2, clock: 0 } },
      { item: { client: 1, clock: 9 } },
      { item: { client: 1, clock: -1 } },
      { item: { client: "1", clock: "x" } },
      { tname: "other" },
      {},
    ];
    for (const a of odd) expect(text.resolve(a as never)).toBeUndefined();
  });
});
