import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { digestInput, mergeUpdates, skeleton, TextReplica } from "../../src/text/index.js";
import { FlowSyncError } from "../../src/wire/error.js";
import { Random, setting } from "./random.js";
import { richEdit } from "./rich.js";
import { bytesOf, hex, vectors } from "./vectors.js";

/** Bytes as an attacker, a bug or a bad disk would change them. */
function mutate(r: Random, from: Uint8Array): Uint8Array {
  const bytes = Array.from(from);
  for (let n = 1 + r.below(2); n > 0; n--) {
    const at = r.below(bytes.length + 1);
    const odd = [0, 1, 2, 0x7f, 0x80, 0xff, r.below(256)];
    switch (r.below(6)) {
      case 0:
        bytes[at] = r.pick(odd);
        break;
      case 1:
        bytes.splice(at, 1 + r.below(3));
        break;
      case 2:
        bytes.splice(at, 0, r.pick(odd));
        break;
      case 3:
        bytes.length = at;
        break;
      case 4: // a huge number
        bytes.splice(at, 1, 0xff, 0xff, 0xff, 0xff, 0x0f);
        break;
      default: // a piece of itself, elsewhere
        bytes.splice(at, 0, ...bytes.slice(r.below(bytes.length + 1)).slice(0, 12));
    }
  }
  return Uint8Array.from(bytes, (b) => b ?? 0);
}

function attempt(f: () => void): boolean {
  try {
    f();
    return true;
  } catch (e) {
    if (!(e instanceof FlowSyncError)) throw e;
    return false;
  }
}

describe("bytes that are no update", () => {
  it("are refused by a FlowSyncError, or taken, and never loop or blow up", { timeout: 120_000 }, () => {
    const seed = setting("FLOWSYNC_SEED", 1);
    const r = new Random(seed);
    let taken = 0;
    let refused = 0;
    for (let round = 0; round < 150; round++) {
      const doc = new Y.Doc();
      doc.clientID = 1 + r.below(200);
      const updates: Uint8Array[] = [];
      doc.on("update", (u: Uint8Array) => updates.push(u));
      doc.getText("text").insert(0, r.text(20));
      for (let i = 0; i < 12; i++) richEdit(r, doc, true);
      const whole = Y.encodeStateAsUpdate(doc);
      for (let i = 0; i < 40; i++) {
        const bytes = mutate(r, r.pick([whole, ...updates]));
        const where = `seed ${seed}, round ${round}.${i}: ${hex(bytes)}`;
        const text = new TextReplica({ client: 201 });
        if (r.chance(60)) text.apply(whole);
        const before = hex(text.encode());
        const began = performance.now();
        try {
          if (!attempt(() => text.check(bytes))) expect(hex(text.encode())).toBe(before);
          attempt(() => skeleton(bytes));
          attempt(() => mergeUpdates([bytes, whole]));
          if (attempt(() => void text.apply(bytes))) {
            taken++;
            text.insert(r.below(text.length + 1), "x");
            text.delete(r.below(text.length + 1), 2);
            digestInput(text);
            const again = new TextReplica({ update: text.encode() });
            expect(again.toString()).toBe(text.toString());
          } else refused++;
        } catch (e) {
          throw new Error(where, { cause: e });
        }
        expect(performance.now() - began, where).toBeLessThan(5000);
      }
    }
    expect(taken).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(1000);
  });

  it.each([
    ["nothing", ""],
    ["a count beyond the input", "ffffffff0f"],
    ["a number above 2^53", "ffffffffffffffffff7f"],
    ["a number that never ends", "80".repeat(2000)],
    ["a string beyond the input", "0101010004010474657874ffffffff0f61"],
    ["two sections of one client", "02010100040104746578740161010101000401047465787401610000"],
    ["an empty struct", "01010100010104746578740000"],
    ["a struct behind itself", "0101010084010001610000"],
    ["a clock beyond 2^32", "010101ffffffff0f010104746578740500"],
    ["an unknown kind", "01010100 1f010474657874 01 00".replaceAll(" ", "")],
    ["more behind it", "000000"],
    ["a string that is not UTF-8", "0101010004010474657874 01ff 00".replaceAll(" ", "")],
    ["values nested 10,000 deep", `010101000801047465787401${"7501".repeat(10_000)}7e00`],
  ])("%s", (_, bytes) => {
    const text = new TextReplica({ client: 1 });
    const update = Uint8Array.from(bytes.match(/../g) ?? [], (h) => Number.parseInt(h, 16));
    expect(() => text.apply(update)).toThrow(FlowSyncError);
    expect(hex(text.encode())).toBe("0000");
  });

  it("a neighbour in another list is refused", () => {
    const doc = new Y.Doc();
    doc.clientID = 1;
    doc.getText("text").insert(0, "a");
    doc.getArray("list").insert(0, [1]);
    const text = new TextReplica({ update: Y.encodeStateAsUpdate(doc) });
    // Client 2 puts a string behind (1, 0), in the text, and before (1, 1), in the list.
    const torn = Uint8Array.of(1, 1, 2, 0, 0xc4, 1, 0, 1, 1, 1, 0x61, 0);
    expect(() => text.apply(torn)).toThrow(FlowSyncError);
  });
});

describe("the states of the vectors", () => {
  it("load wherever they are cut off, or are refused", () => {
    for (const v of vectors) {
      const bytes = bytesOf(v.state.update);
      for (let n = 0; n < bytes.length; n++) {
        expect(() => new TextReplica({ update: bytes.slice(0, n) })).toThrow(FlowSyncError);
      }
    }
  });
});
