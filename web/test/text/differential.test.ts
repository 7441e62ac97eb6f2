import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { digestInput, TextReplica } from "../../src/text/index.js";
import { Random, setting } from "./random.js";
import { richEdit } from "./rich.js";
import { hex } from "./vectors.js";

/** How many histories are played of each kind. */
const SEEDS = setting("FLOWSYNC_SEEDS", 100);
const FIRST = setting("FLOWSYNC_SEED", 1);

/**
 * A replica in both implementations: what happens to one happens to the other, and
 * after each step their encodings are equal byte for byte.
 */
class Twins {
  readonly doc = new Y.Doc();
  readonly text: TextReplica;
  readonly shadow: { value: string };
  seen = 0;
  made: Uint8Array[] = [];

  constructor(readonly client: number) {
    this.doc.clientID = client;
    this.text = new TextReplica({ client });
    this.shadow = { value: "" };
    this.doc.getText("text");
    this.doc.on("update", (update: Uint8Array, _origin: unknown, _doc: Y.Doc, tx: Y.Transaction) => {
      if (tx.local) this.made.push(update);
    });
  }

  get ytext(): Y.Text {
    return this.doc.getText("text");
  }

  /** Splices tell the same as the text itself. */
  private patch(splices: readonly { pos: number; del: number; ins: string }[]): void {
    for (const { pos, del, ins } of splices) {
      const v = this.shadow.value;
      this.shadow.value = v.slice(0, pos) + ins + v.slice(pos + del);
    }
    expect(this.shadow.value).toBe(this.text.shownText());
  }

  /** An edit that both make themselves: they make the same update of it. */
  both(pos: number, count: number, ins: string): void {
    const mine = this.text.replace(pos, count, ins);
    this.made = [];
    const from = snap(this.ytext.toString(), pos, -1);
    const to = count > 0 ? snap(this.ytext.toString(), Math.min(pos + count, this.ytext.length), 1) : from;
    this.doc.transact(() => {
      if (to > from) this.ytext.delete(from, to - from);
      if (ins) this.ytext.insert(from, ins);
    });
    expect(hex(mine.update)).toBe(hex(this.made.pop() ?? new Uint8Array(2)));
    this.patch(mine.splices);
    this.made = [mine.update];
  }

  /** An edit that the replica makes and Yjs takes. */
  ours(pos: number, count: number, ins: string): void {
    const mine = this.text.replace(pos, count, ins);
    this.patch(mine.splices);
    this.made = [];
    this.doc.clientID = 0; // yjs takes another id when it sees its own come from elsewhere
    Y.applyUpdate(this.doc, mine.update);
    this.doc.clientID = this.client;
    this.follow();
    this.made.unshift(mine.update);
  }

  /** An edit that Yjs makes and the replica takes. */
  theirs(edit: (doc: Y.Doc) => void): void {
    this.made = [];
    this.doc.transact(() => edit(this.doc));
    this.follow();
  }

  receive(update: Uint8Array): void {
    this.patch(this.text.apply(update).splices);
    Y.applyUpdate(this.doc, update);
    this.follow();
  }

  private follow(): void {
    for (const update of this.made) this.patch(this.text.apply(update).splices);
  }

  compare(): void {
    expect(hex(this.text.encode())).toBe(hex(Y.encodeStateAsUpdate(this.doc)));
    expect(this.text.toString()).toBe(this.ytext.toString());
    // Positions are those of Yjs, which counts an embed as one.
    const delta = this.ytext.toDelta() as { insert: unknown }[];
    const units = delta.map(({ insert }) => (typeof insert === "string" ? insert : "\ufffc"));
    expect(this.text.shownText()).toBe(units.join(""));
    expect(this.text.length).toBe(this.ytext.length);
  }
}

function snap(s: string, pos: number, by: number): number {
  return pos > 0 &&
    pos < s.length &&
    (s.charCodeAt(pos) & 0xfc00) === 0xdc00 &&
    (s.charCodeAt(pos - 1) & 0xfc00) === 0xd800
    ? pos + by
    : pos;
}

function play(seed: number, formats: boolean): void {
  const r = new Random(seed);
  // In a formatted text yjs' own edits may tear a pair, where it diverges from itself.
  const words = (x: Random) => (formats ? x.text().replace(/[\u{10000}-\u{10ffff}]/gu, "x") : x.text());
  const all = Array.from({ length: 3 + r.below(3) }, () => new Twins(1 + r.below(2 ** 31)));
  const log: Uint8Array[] = [];
  const deliver = (t: Twins, n: number) => {
    for (; n > 0 && t.seen < log.length; n--) {
      t.made = [];
      t.receive(log[t.seen++] as Uint8Array);
      log.push(...t.made);
    }
  };
  for (let step = 0; step < 60; step++) {
    const t = r.pick(all);
    if (r.chance(45)) {
      deliver(t, r.below(6));
      t.compare();
      continue;
    }
    const size = t.text.length;
    const pos = r.below(size + 1);
    const count = r.chance(40) ? r.below(6) : 0;
    const ins = count === 0 || r.chance(30) ? words(r) : "";
    if (r.chance(25)) t.theirs((doc) => richEdit(r, doc, formats));
    else if (formats && r.chance(40)) {
      const y = t.ytext;
      const at = r.below(y.length + 1);
      t.theirs(() => {
        if (count) y.delete(at, Math.min(count, y.length - at));
        if (ins) y.insert(at, ins);
      });
    } else if (formats) t.ours(pos, count, ins);
    else t.both(pos, count, ins);
    log.push(...t.made);
    t.compare();
  }
  for (let before = -1; before < log.length; ) {
    before = log.length;
    for (const t of all) {
      deliver(t, Number.POSITIVE_INFINITY);
      t.compare();
    }
  }
  expect(new Set(all.map((t) => hex(digestInput(t.text)))).size).toBe(1);
  for (const { text } of all) {
    expect(hex(new TextReplica({ update: text.encode() }).encode()), "loaded again").toBe(
      hex(Y.encodeStateAsUpdate(applied(text.encode()))),
    );
  }
}

function applied(update: Uint8Array): Y.Doc {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, update);
  return doc;
}

describe("beside yjs, byte for byte", () => {
  for (const [name, formats] of [
    ["a text among other content", false],
    ["a formatted text", true],
  ] as const) {
    it(`${name}: ${SEEDS} histories`, { timeout: 120_000 }, () => {
      for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
        try {
          play(seed, formats);
        } catch (e) {
          throw new Error(`seed ${seed} (FLOWSYNC_SEED=${seed} FLOWSYNC_SEEDS=1): ${(e as Error).stack}`, {
            cause: e,
          });
        }
      }
    });
  }
});
