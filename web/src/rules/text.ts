import { digestInput, mergeUpdates, type Splice, skeleton, TextReplica, TextUndo } from "../text/index.js";
import { fromBase64, toBase64 } from "../wire/base64.js";
import type { Json, JsonObject } from "../wire/canonical.js";
import { refuse } from "../wire/error.js";
import { bad, define, members, must, type Op, object, only, type Rule } from "./rule.js";

/**
 * A Yjs document: the state of crdt-text and crdt-doc. Its ops are Yjs updates; edits in positions become
 * updates on the view of whoever makes them.
 */
export type Text = {
  replica: TextReplica;
  /** Whose each document client is: of the client whose op first brought content of it. */
  authors: Map<number, string>;
  /** Own edits, to be taken back. All copies of a state share it: it knows content by ids. */
  undo: TextUndo;
  /** The text when the splices were last taken; undefined when there were too many to keep. */
  from: string | undefined;
  splices: Splice[];
  /** Of whoever merges the document elsewhere: updates as they arrive, in base64. */
  feed?: (update: string) => void;
};

/** How many splices wait for somebody to take them. */
const MAX_SPLICES = 1000;
/** How long the name of a root may be. */
const MAX_ROOT = 128;

function make(replica = new TextReplica(), authors = new Map<number, string>(), undo = new TextUndo()): Text {
  return { replica, authors, undo, from: replica.toString(), splices: [] };
}

/** Notes how the text changed. */
function note(s: Text, splices: Splice[]): void {
  s.splices.push(...splices);
  if (s.splices.length <= MAX_SPLICES) return;
  s.splices = [];
  s.from = undefined;
}

/** Reads base64 as encoders write it, and nothing else. */
function bytes(v: Json | undefined): Uint8Array {
  try {
    const out = fromBase64(v as string);
    if (v && toBase64(out) === v) return out;
  } catch {
    // not base64
  }
  return bad("an update is one of Yjs in base64");
}

/** Requires that an update can be applied, and that its author may bring what is in it. */
function vet({ replica, authors }: Text, { client }: Op, update: Uint8Array): void {
  for (const id of replica.check(update)) {
    if ((authors.get(id) ?? client) !== client)
      refuse("op_conflict", "the document client is somebody else's");
  }
}

function take(s: Text, client: string, update: Uint8Array): void {
  const { clients, splices } = s.replica.apply(update);
  for (const id of clients) if (!s.authors.has(id)) s.authors.set(id, client);
  note(s, splices);
  s.feed?.(toBase64(update));
}

const asOp = (update: Uint8Array): JsonObject => ({ op: "update", update: toBase64(update) });

/** Reads an edit in positions: what to delete from where, and what to insert there. */
function editOf(op: Op): [pos: number, count: number, text: string] {
  const { body } = op;
  const kind = body.op as string;
  const named = "char" in body ? "char" : "text"; // char: as an earlier version of this client names it
  const fields =
    kind === "insert" ? [named] : kind === "replace" ? ["count", named] : "count" in body ? ["count"] : [];
  only(op, "pos", ...fields);
  const { pos, count = kind === "insert" ? 0 : 1 } = body as { pos: number; count?: number };
  const text = kind === "delete" ? "" : body[named];
  if (!(Number.isSafeInteger(pos) && pos >= 0 && Number.isSafeInteger(count) && count >= 0)) {
    bad("pos and count are integers from 0");
  }
  if (typeof text !== "string" || (!text && (kind === "insert" || (kind === "delete" && !count)))) {
    return bad("an insert has text, a delete a count from 1");
  }
  return [pos, count, text];
}

function edit(s: Text, op: Op, author: number, now: number): JsonObject {
  const { replica, undo } = s;
  const { op: kind } = op.body;
  const ready = () => {
    if (replica.client !== author) replica.client = author;
    return replica;
  };
  let made: ReturnType<TextUndo["undo"]>;
  if (kind === "undo" || kind === "redo") {
    made = undo[kind](ready());
    if (!made) return bad(`there is nothing to ${kind}`);
  } else {
    const change = editOf(op);
    made = ready().replace(...change);
    undo.track(made, now);
  }
  s.authors.set(author, op.client);
  note(s, made.splices);
  return asOp(made.update);
}

function updates(name: string, root?: string): Rule {
  const positional = /^(insert|delete|replace|undo|redo)$/;
  const initial = (s: Text, value: Json | undefined): Uint8Array | undefined => {
    if (root === undefined) return bytes(value);
    if (typeof value !== "string") return Array.isArray(value) && !value.length ? undefined : bad();
    return value ? new TextReplica({ root: s.replica.root }).insert(0, value).update : undefined;
  };
  const early = () => bad();
  const rule = define<Text>(name, {
    make: () => make(),
    kinds: {
      update(s, op, dry) {
        const update = bytes(only(op, "update").update);
        if (dry) vet(s, op, update);
        return () => take(s, op.client, update);
      },
      initial(s, op) {
        const update = initial(s, only(op, "value").value);
        return () => {
          if (update) take(s, op.client, update);
        };
      },
      ...(root !== undefined && {
        insert: early,
        delete: early,
        replace: early,
        options(s: Text, op: Op) {
          const { root } = only(op, "root");
          if (typeof root !== "string" || !root || root.length > MAX_ROOT) return bad();
          return () => make(new TextReplica({ root, update: s.replica.encode() }), s.authors, s.undo);
        },
      }),
    },
    clone: (s) => make(s.replica.fork(), new Map(s.authors), s.undo),
    save: ({ replica, authors }) => ({
      authors: Object.fromEntries(authors),
      ...(root !== undefined && { root: replica.root }),
      update: toBase64(replica.encode()),
    }),
    read(saved, before) {
      const [authors, update, shown = ""] = members(
        saved,
        "authors",
        "update",
        ...(root === undefined ? [] : ["root"]),
      );
      must(typeof shown === "string" && shown.length <= MAX_ROOT && (shown || root === undefined));
      const ids = Object.entries(object(authors)).map(([id, client]) => {
        must(String(Number(id)) === id && Number.isSafeInteger(Number(id)) && typeof client === "string");
        return [Number(id), client] as const;
      });
      try {
        const replica = new TextReplica({ root: shown, update: bytes(update) });
        return make(replica, new Map(ids), before?.editor?.text.undo);
      } catch {
        return must(false) as never;
      }
    },
    value: (s) => (root === undefined ? undefined : s.replica.toString()),
    more: (state) => ({
      digested: () => digestInput(state().replica),
      editor: {
        positional: ({ op }) => root !== undefined && positional.test(op as string),
        edit: (op, author, now) => edit(state(), op, author, now),
        taken: (author) => !author || (state().replica.client === author && state().replica.taken),
        // A refused op that is no update brought nothing.
        carry: (refused, body) => {
          const updates = refused.filter((r) => r.op === "update");
          return asOp(mergeUpdates([...updates.map((r) => skeleton(bytes(r.update))), bytes(body.update)]));
        },
        get text() {
          return state();
        },
      },
    }),
  });
  return { ...rule, commutes: true, opaque: root === undefined };
}

export const text = updates("crdt-text", "text");
export const doc = updates("crdt-doc");
