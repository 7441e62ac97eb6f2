// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test } from "vitest";
import { bindTextarea } from "../src/bind-textarea.js";
import { diff, liveText, type TextHandle } from "../src/live-text.js";
import type { Text } from "../src/rules/text.js";
import { type Splice, TextReplica, TextUndo } from "../src/text/index.js";
import { Random } from "./text/random.js";

let field: HTMLTextAreaElement;
let unbind: () => void;
let text: TextHandle;
let others: (edit: (r: TextReplica) => { update: Uint8Array }) => void;
let held = 0;
let refuse = false;

/** A text handle over one replica, as a stream gives it. */
function handle(): void {
  const s: Text = {
    replica: new TextReplica({ client: 1 }),
    authors: new Map(),
    undo: new TextUndo(),
    from: "",
    splices: [],
  };
  const listeners = new Set<(splices: readonly Splice[]) => void>();
  let time = 0;
  const waiting: Uint8Array[] = [];
  const take = (update: Uint8Array) => {
    s.splices.push(...s.replica.apply(update).splices);
    live.changed();
  };
  const live = liveText({
    shown: () => s,
    value: () => "",
    push(op) {
      if (refuse) return { ok: false, code: "denied", message: "", hint: "" };
      const {
        op: kind,
        pos = 0,
        count = 0,
        text = "",
      } = op as { op: string; pos?: number; count?: number; text?: string };
      const edit =
        kind === "undo" || kind === "redo" ? s.undo[kind](s.replica) : s.replica.replace(pos, count, text);
      if (!edit) return { ok: false, code: "bad_op", message: "", hint: "" };
      time += 1000;
      if (kind === "replace") s.undo.track(edit, time);
      s.splices.push(...edit.splices);
      live.changed();
      return { ok: true, id: 1, settled: Promise.resolve({ ok: true }) };
    },
    hold() {
      held++;
      return () => {
        held--;
        for (const update of waiting.splice(0)) take(update);
      };
    },
    listen(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    tell: (splices) => {
      for (const l of listeners) l(splices);
    },
  });
  text = live.text;
  let id = 100;
  others = (edit) => {
    const { update } = edit(new TextReplica({ client: ++id, update: s.replica.encode() }));
    if (held) waiting.push(update);
    else take(update);
  };
}

beforeEach(() => {
  held = 0;
  refuse = false;
  handle();
  field = document.createElement("textarea");
  document.body.append(field);
  unbind = bindTextarea(field, text);
});

afterEach(() => unbind());

const fire = (type: string, init: object = {}) => {
  const e = new Event(type, { bubbles: true, cancelable: true });
  Object.assign(e, init);
  field.dispatchEvent(e);
  return e;
};

/** What a browser does for a key, a paste or a cut: the selection is replaced, the caret stands behind. */
function type(insert: string, from = field.selectionStart, to = field.selectionEnd): void {
  field.value = field.value.slice(0, from) + insert + field.value.slice(to);
  field.setSelectionRange(from + insert.length, from + insert.length);
  fire("input");
}

const state = () => [field.value, field.selectionStart, field.selectionEnd];

test("typing, deleting both ways, replacing, cutting and pasting reach the text", () => {
  type("hello world");
  type("", 10, 11); // backspace
  type("", 0, 1); // delete
  type("J", 0, 4); // over a selection
  type("😀", 1, 1);
  type("👍", 1, 3); // one emoji for another that shares half of it
  type("", 1, 3);
  type("a long\nline ".repeat(800), 1, 1);
  expect(text.toString()).toBe(field.value);
  expect(field.value.startsWith("Ja long\nline ")).toBe(true);
});

test("an edit between repeated letters is the one at the caret", () => {
  type("aaaa");
  const seen: Splice[] = [];
  text.subscribe((s) => seen.push(...s));
  type("a", 1, 1);
  type("", 2, 3);
  expect(seen).toEqual([
    { pos: 1, del: 0, ins: "a" },
    { pos: 2, del: 1, ins: "" },
  ]);
});

test("others' edits leave caret and selection where they are", () => {
  type("hello world");
  field.setSelectionRange(5, 5);
  others((r) => r.insert(0, ">> "));
  expect(state()).toEqual([">> hello world", 8, 8]);
  others((r) => r.insert(8, "!")); // at the caret: behind it
  expect(state()).toEqual([">> hello! world", 8, 8]);
  others((r) => r.delete(0, 3));
  expect(state()).toEqual(["hello! world", 5, 5]);
  field.setSelectionRange(2, 8);
  others((r) => r.insert(4, "XX")); // within the selection
  expect(state()).toEqual(["heXXllo! world".replace("heXXllo", "hellXXo"), 2, 10]);
  others((r) => r.delete(0, 14)); // over it
  expect(state()).toEqual(["", 0, 0]);
});

test("while an input method composes the field is left alone, and nothing is lost", () => {
  type("abc");
  fire("compositionstart");
  type("n", 1, 1);
  type("に", 1, 2);
  others((r) => r.insert(0, "R"));
  expect(field.value).toBe("aにbc");
  expect(text.toString()).toBe("abc");
  type("日", 1, 2);
  fire("compositionend");
  expect(field.value).toBe("Ra日bc");
  expect(text.toString()).toBe("Ra日bc");
  expect(held).toBe(0);
  fire("compositionstart");
  type("x");
  fire("blur");
  expect([held, text.toString()]).toEqual([0, field.value]);
});

test("undo and redo take back own edits alone, however they are asked for", () => {
  type("mine");
  others((r) => r.insert(0, "theirs "));
  expect(fire("beforeinput", { inputType: "historyUndo" }).defaultPrevented).toBe(true);
  expect(state()).toEqual(["theirs ", 7, 7]);
  expect(fire("keydown", { key: "z", ctrlKey: true, shiftKey: true }).defaultPrevented).toBe(true);
  expect(state()).toEqual(["theirs mine", 11, 11]);
  fire("keydown", { key: "z", metaKey: true });
  expect(field.value).toBe("theirs ");
  fire("keydown", { key: "y", ctrlKey: true });
  expect(field.value).toBe("theirs mine");
  for (let i = 0; i < 3; i++) fire("keydown", { key: "z", ctrlKey: true }); // with nothing left, too
  expect(field.value).toBe("theirs ");
  field.readOnly = true;
  expect(fire("keydown", { key: "y", ctrlKey: true }).defaultPrevented).toBe(false);
  field.readOnly = false;
  expect(fire("keydown", { key: "z" }).defaultPrevented).toBe(false);
  expect(text.toString()).toBe("theirs ");
});

test("an edit that is refused leaves the field as the text is", () => {
  type("abc");
  refuse = true;
  type("X", 1, 1);
  expect(field.value).toBe("abc");
  refuse = false;
  type("Y", 3, 3);
  expect(text.toString()).toBe("abcY");
});

test("a form that is reset, and the end of it", async () => {
  unbind();
  const form = document.createElement("form");
  document.body.append(form);
  form.append(field);
  unbind = bindTextarea(field, text);
  type("typed");
  field.value = "";
  form.dispatchEvent(new Event("reset"));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(text.toString()).toBe("");
  unbind();
  unbind();
  type("x");
  others((r) => r.insert(0, "y"));
  expect([text.toString(), field.value]).toEqual(["y", "x"]);
});

test("two fields show one text", () => {
  const second = document.createElement("textarea");
  const stop = bindTextarea(second, text);
  type("shared");
  expect(second.value).toBe("shared");
  stop();
});

test("diff makes b of a, never within a pair, from any caret: random texts", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const r = new Random(seed);
    const a = r.text(12);
    const units = Array.from(a);
    units.splice(r.below(units.length + 1), r.below(3), ...(r.chance(70) ? Array.from(r.text(3)) : []));
    const b = units.join("");
    const { pos, del, ins } = diff(a, b, r.below(b.length + 1));
    expect(a.slice(0, pos) + ins + a.slice(pos + del), `seed=${seed}`).toBe(b);
    expect(`${ins}${a.slice(pos, pos + del)}`, `seed=${seed}`).not.toMatch(/\p{Surrogate}/u);
  }
});
