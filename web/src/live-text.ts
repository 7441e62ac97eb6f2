import type { Pushed } from "./handle.js";
import type { Text } from "./rules/text.js";
import type { Splice, TextAnchor } from "./text/index.js";

/**
 * A stream of rule crdt-text as a text: edits, places in it, and how others' edits change it. Positions and
 * lengths count UTF-16 code units of `toString()`; what is beyond the end is taken for the end, and no
 * position divides a surrogate pair.
 *
 * @example
 * ```ts
 * const { text } = client.stream<string>("text:doc", { initial: "" });
 * text.insert(0, "hello");
 * const off = text.subscribe((splices) => render(splices));
 * ```
 */
export type TextHandle = {
  /** The text. An embed, such as an image of another editor, stands in it as U+FFFC. */
  toString(): string;
  readonly length: number;
  /** Line ends become `\n`; more than 64 KiB become several ops. */
  insert(pos: number, text: string): Pushed;
  delete(pos: number, count?: number): Pushed;
  /** Deletes and inserts as one edit. */
  replace(pos: number, count: number, text: string): Pushed;
  /**
   * Calls back with every change, own ones too, before anything else can happen: each splice applies after
   * the one before it. Connects. Returns what stops it.
   */
  subscribe(callback: (splices: readonly Splice[]) => void): () => void;
  /**
   * A place that stays while others edit: with what is behind it, or, if assoc is below 0, with what is before
   * it. Plain JSON, good for presence. Undefined while the text is not here.
   */
  anchor(pos: number, assoc?: number): TextAnchor | undefined;
  /** Where an anchor is now; undefined if this replica does not have what it names. */
  resolve(anchor: TextAnchor): number | undefined;
  /** Takes own edits back, the last first, those within 500 ms as one; at most 200. Returns false without any. */
  undo(): boolean;
  /** Takes the last undo back. */
  redo(): boolean;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** Keeps others' edits out, for as long as an input method composes. Returns what lets them in. */
  hold(): () => void;
};

/** What a text needs of its stream. */
export type TextSource = {
  /** What is shown, if the rule is a text's. */
  shown(): Text | undefined;
  /** What is shown otherwise. */
  value(): unknown;
  push(op: object): Pushed;
  hold(): () => void;
  listen(callback: (splices: readonly Splice[]) => void): () => void;
  tell(splices: readonly Splice[]): void;
};

/** How much one op inserts: at 3 bytes a unit this stays within 64 KiB. */
const PIECE = 21_000;

const isLow = (s: string, at: number) => (s.charCodeAt(at) & 0xfc00) === 0xdc00;

/** An edit in positions as ops that a hub takes; any other op as it is. */
export function pieces(op: object): object[] {
  const { pos, char, text = char } = op as { pos?: number; char?: unknown; text?: unknown };
  if (pos === undefined || typeof text !== "string") return [op];
  const whole = text.replace(/\r\n?/g, "\n");
  const ops: object[] = [];
  let at = 0;
  do {
    let end = at + PIECE;
    if (isLow(whole, end)) end--;
    const part = whole.slice(at, end);
    if (at) ops.push({ op: "insert", pos: pos + at, text: part });
    else ops.push({ ...op, ["char" in op ? "char" : "text"]: part });
    at = end;
  } while (at < whole.length);
  return ops;
}

/**
 * The one change that makes a of b. Between repeated letters it is ambiguous: it ends at the caret in b, if
 * that is possible, and never within a surrogate pair.
 */
export function diff(a: string, b: string, caret = 0): Splice {
  const most = Math.min(a.length, b.length);
  let start = 0;
  let end = 0;
  const back = (room: number) => {
    while (end < room && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  };
  back(Math.min(most, b.length - caret));
  while (start < most - end && a[start] === b[start]) start++;
  back(most - start);
  if (isLow(a, start) || isLow(b, start)) start--;
  if (isLow(a, a.length - end) || isLow(b, b.length - end)) end--;
  return { pos: start, del: a.length - end - start, ins: b.slice(start, b.length - end) };
}

/** A text, and what is to be called whenever the stream may have changed. */
export function liveText(o: TextSource): { text: TextHandle; changed(): void } {
  let told: string | undefined; // undefined: nobody ever asked for splices
  const replica = () => o.shown()?.replica;
  const now = () => replica()?.shownText() ?? String(o.value() ?? "");
  /** Takes the splices that led from what was told to what is shown now. */
  const take = (): Splice[] => {
    const t = o.shown();
    const text = now();
    const splices = t?.from === told ? t?.splices : text === told ? [] : [diff(told ?? "", text)];
    if (t) {
      t.from = text;
      t.splices = [];
    }
    told = text;
    return splices ?? [];
  };
  const changed = () => {
    const splices = told === undefined ? [] : take();
    if (splices.length) o.tell(splices);
  };
  const back = (op: "undo" | "redo") => !!replica() && o.push({ op }).ok;
  const text: TextHandle = {
    toString: now,
    get length() {
      return now().length;
    },
    insert: (pos, text) => o.push({ op: "insert", pos, text }),
    delete: (pos, count = 1) => o.push({ op: "delete", pos, count }),
    replace: (pos, count, text) => o.push({ op: "replace", pos, count, text }),
    subscribe(callback) {
      if (told === undefined) take();
      return o.listen(callback);
    },
    anchor: (pos, assoc) => replica()?.anchor(pos, assoc),
    resolve: (anchor) => replica()?.resolve(anchor),
    undo: () => back("undo"),
    redo: () => back("redo"),
    get canUndo() {
      return !!o.shown()?.undo.canUndo;
    },
    get canRedo() {
      return !!o.shown()?.undo.canRedo;
    },
    hold: o.hold,
  };
  return { text, changed };
}
