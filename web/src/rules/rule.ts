import { canonical, type Json, type JsonObject, OP_DEPTH } from "../wire/canonical.js";
import { FlowSyncError, refuse } from "../wire/error.js";
import { byteLength } from "../wire/hash.js";
import type { Text } from "./text.js";

/**
 * Merge rules, the twins of Go's package crdt. A rule says what the ops of a stream mean; equal logs make
 * equal states, in both languages.
 */

/** One operation as a rule sees it. */
export type Op = {
  /** Its place in the log; an op that is not committed yet has a provisional one above the head. */
  off: number;
  /** The offset that its author had applied. */
  at: number;
  client: string;
  inc: string;
  seq: number;
  /** The op itself. Values in it are kept, never changed. */
  body: JsonObject;
};

/** What the ops of one stream add up to. */
export type State = {
  /**
   * Takes an op into the state. Throws a FlowSyncError, and changes nothing, if the rule refuses it; with
   * dry it changes nothing either way.
   */
  run(op: Op, dry?: boolean): void;
  /** An independent copy. */
  clone(): State;
  /** The encoding; its canonical form is the same on every replica. */
  save(): Json;
  /** What applications see. */
  value(): unknown;
  /** Bytes that are equal exactly for equal states, if that is not the encoding. */
  digested?(): Uint8Array;
  /** Of texts and documents. */
  readonly editor?: Editor;
};

/** What states have whose ops nobody writes by hand: edits become updates of a document. */
export type Editor = {
  /** Whether an op asks for an edit in positions, which becomes an update on the own view. */
  positional(body: JsonObject): boolean;
  /** Makes an op of an edit at a time in milliseconds, and applies it to this view, for a document client. */
  edit(op: Op, author: number, now: number): JsonObject;
  /** Whether a document client is not for new edits: 0, or somebody else's. */
  taken(author: number): boolean;
  /** Rewrites body so that it keeps, as deleted, what later ops need of refused ones. */
  carry(refused: JsonObject[], body: JsonObject): JsonObject;
  /** The document itself, and what becomes of it. */
  readonly text: Text;
};

/** A merge rule. */
export type Rule = {
  name: string;
  /** The state of a stream without ops. */
  make(): State;
  /** Reads what State.save wrote; throws for anything else. The state it replaces may hand over what is not saved. */
  read(saved: Json, before?: State): State;
  /** Committed ops and own ones may be applied in any order, as in texts: a view then outlives both. */
  commutes?: boolean;
  /** It shows nothing here: only who merges the document elsewhere reads it as state. */
  opaque?: boolean;
};

/** Checks one kind of op, new or (without dry) committed; the function it returns carries it out. */
type Kind<S> = (state: S, op: Op, dry?: boolean) => (() => S) | (() => void);

/** Makes a rule of plain functions over one kind of data. */
export function define<S>(
  name: string,
  rule: {
    make(): S;
    read(saved: JsonObject, before?: State): S;
    save(state: S): JsonObject;
    value(state: S): unknown;
    clone(state: S): S;
    kinds: { [op: string]: Kind<S> };
    more?(state: () => S): Partial<State>;
  },
): Rule {
  const wrap = (state: S): State => ({
    run(op, dry) {
      const kind = String(op.body.op);
      if (hubOnly.test(kind)) {
        if (op.client !== `hub:${kind}`) bad("only the hub makes this op");
        if (kind === "initial" && op.off !== 1) bad();
      }
      if (!Object.hasOwn(rule.kinds, kind)) {
        if (!hubOnly.test(kind) && !anyRule.test(kind)) bad();
        refuse("wrong_rule", "this op belongs to another rule", "see meta().rule");
      }
      if (dry) canonical(op.body, VALUE_DEPTH + 1);
      const commit = (rule.kinds[kind] as Kind<S>)(state, op, dry);
      if (!dry) state = (commit() as S | undefined) ?? state;
    },
    clone: () => wrap(rule.clone(state)),
    save: () => ({ ...rule.save(state), v: 1 }),
    value: () => rule.value(state),
    ...rule.more?.(() => state),
  });
  return {
    name,
    make: () => wrap(rule.make()),
    read(saved, before) {
      const { v, ...fields } = object(saved);
      must(v === 1);
      return wrap(rule.read(fields, before));
    },
  };
}

const hubOnly = /^(initial|options|fold|trim|redact)$/;
const anyRule = /^(increment|decrement|add|remove|set|delete|append|insert|replace|update)$/;

/** How deep a value inside an op may nest. */
const VALUE_DEPTH = OP_DEPTH - 4;
/** How long an element of a set and a key may be, in bytes of UTF-8. */
const MAX_ELEMENT = 4096;
/** How many elements a set may have. */
export const MAX_ELEMENTS = 100_000;

/** Refuses an op. Ops that the hub alone makes need no words of their own: nobody sees them. */
export function bad(message = "the rule has no such op"): never {
  return refuse("bad_op", message, "see the table of ops in the documentation");
}

/** Requires that an op has these fields and no other. */
export function only(op: Op, ...fields: string[]): JsonObject {
  if (Object.keys(op.body).length !== fields.length + 1 || !fields.every((f) => Object.hasOwn(op.body, f))) {
    bad(`this op has the fields ${["op", ...fields]}`);
  }
  return op.body;
}

/** Requires a string of at most 4 KiB. */
export function element(v: Json | undefined): string {
  if (typeof v !== "string") return bad("an element or key is a string");
  if (v.length > MAX_ELEMENT / 3 && byteLength(v) > MAX_ELEMENT) {
    refuse("too_large", "an element or key has at most 4 KiB");
  }
  return v;
}

/** Requires an array, for the initial value of a set or log. */
export function list(v: Json | undefined): Json[] {
  return Array.isArray(v) ? v : bad();
}

/** A state that cannot be read. */
export function must(ok: unknown): asserts ok {
  if (!ok) throw new FlowSyncError("wrong_rule", "the state cannot be read by this version of the rule");
}

export function object(v: Json | undefined): JsonObject {
  must(typeof v === "object" && v !== null && !Array.isArray(v));
  return v;
}

/** The members of an encoded state; there must be these and no other. */
export function members(saved: JsonObject, ...names: string[]): Json[] {
  must(Object.keys(saved).length === names.length);
  return names.map((n) => {
    must(Object.hasOwn(saved, n));
    return saved[n] as Json;
  });
}

export function isOffset(v: Json | undefined): v is number {
  return Number.isSafeInteger(v) && (v as number) >= 0;
}

/** Compares two lists of numbers and strings, element by element. */
export function compare(a: readonly Json[], b: readonly Json[], n: number): number {
  for (let i = 0; i < n; i++) {
    const x = a[i] as string;
    const y = b[i] as string;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}
