import { describe, expect, it } from "vitest";
import { type TextEdit, TextReplica, TextUndo } from "../../src/text/index.js";
import { Random, setting } from "./random.js";
import { hex } from "./vectors.js";

function start() {
  const mine = new TextReplica({ client: 1 });
  const theirs = new TextReplica({ client: 2 });
  const undo = new TextUndo();
  let now = 0;
  return {
    mine,
    theirs,
    undo,
    /** An own edit, a second after the last one. */
    edit(pos: number, del: number, ins: string, after = 1000) {
      now += after;
      const edit = mine.replace(pos, del, ins);
      undo.track(edit, now);
      theirs.apply(edit.update);
    },
    remote(pos: number, del: number, ins: string) {
      mine.apply(theirs.replace(pos, del, ins).update);
    },
    share(edit: TextEdit | undefined): string {
      if (edit) theirs.apply(edit.update);
      expect(theirs.toString()).toBe(mine.toString());
      return mine.toString();
    },
  };
}

describe("undo", () => {
  it("takes back insertions and deletions, and redo brings them again", () => {
    const t = start();
    t.edit(0, 0, "hello world");
    t.edit(5, 6, "");
    t.edit(5, 0, "!");
    const back = () => t.share(t.undo.undo(t.mine));
    const again = () => t.share(t.undo.redo(t.mine));
    expect([back(), back(), back(), back()]).toEqual(["hello", "hello world", "", ""]);
    expect(t.undo.canUndo).toBe(false);
    expect([again(), again(), again(), again()]).toEqual(["hello world", "hello", "hello!", "hello!"]);
    expect([back(), again(), back(), back()]).toEqual(["hello", "hello!", "hello", "hello world"]);
    t.edit(0, 0, "x");
    expect(t.undo.canRedo).toBe(false);
  });

  it("takes edits of half a second for one", () => {
    const t = start();
    for (const [i, c] of ["a", "b", "c"].entries()) t.edit(i, 0, c, 499);
    t.edit(3, 0, "d", 500);
    t.edit(4, 0, "e", 100);
    t.undo.stop();
    t.edit(5, 0, "f", 100);
    const back = () => t.share(t.undo.undo(t.mine));
    expect([back(), back(), back()]).toEqual(["abcde", "abc", ""]);
  });

  it("brings nothing back that came and went within one step", () => {
    const t = start();
    t.edit(0, 0, "ab");
    t.edit(2, 0, "cdef");
    t.edit(1, 3, "", 100);
    expect(t.mine.toString()).toBe("aef");
    expect(t.share(t.undo.undo(t.mine))).toBe("ab");
    expect(t.share(t.undo.redo(t.mine))).toBe("aef");
  });

  it("leaves alone what others did", () => {
    const t = start();
    t.edit(0, 0, "one two three");
    t.remote(4, 4, "2 ");
    t.remote(0, 0, ">");
    t.edit(1, 3, "");
    t.remote(1, 0, "<");
    expect(t.share(t.undo.undo(t.mine))).toBe(">one< 2 three");
    expect(t.share(t.undo.undo(t.mine))).toBe("><2 ");
    expect(t.share(t.undo.redo(t.mine))).toBe(">one< 2 three");
  });

  it("keeps 200 steps", () => {
    const t = start();
    for (let i = 0; i < 250; i++) t.edit(i, 0, "x");
    let n = 0;
    while (t.undo.undo(t.mine)) n++;
    expect([n, t.mine.length]).toEqual([200, 50]);
  });

  it("goes on over a replica that was built anew without a rejected op", () => {
    const t = start();
    t.edit(0, 0, "kept ");
    t.edit(5, 0, "rejected");
    const rebuilt = new TextReplica({ client: 3 });
    rebuilt.apply(new TextReplica({ client: 1 }).insert(0, "kept ").update);
    expect(t.undo.undo(rebuilt)?.splices).toEqual([{ pos: 0, del: 5, ins: "" }]);
  });

  it("of everything leaves the others' text: random histories", { timeout: 60_000 }, () => {
    for (let seed = 1; seed <= setting("FLOWSYNC_SEEDS", 100); seed++) {
      const r = new Random(seed);
      const t = start();
      const texts = [""];
      for (let i = 0; i < 25; i++) {
        t.edit(r.below(t.mine.length + 1), r.below(5), r.chance(70) ? r.text() : "", r.pick([100, 1000]));
        if (r.chance(30)) t.remote(r.below(t.mine.length + 1), 0, "#");
        texts.push(t.mine.toString());
      }
      const ours = () => t.mine.toString().replaceAll("#", "");
      const end = ours();
      const edits: TextEdit[] = [];
      for (let e = t.undo.undo(t.mine); e; e = t.undo.undo(t.mine)) edits.push(e);
      expect(ours(), `seed ${seed}`).toBe("");
      for (let e = t.undo.redo(t.mine); e; e = t.undo.redo(t.mine)) edits.push(e);
      expect(ours(), `seed ${seed}`).toBe(end);
      for (const e of edits) t.theirs.apply(e.update);
      expect(hex(t.theirs.encode()), `seed ${seed}`).toBe(hex(t.mine.encode()));
    }
  });
});
