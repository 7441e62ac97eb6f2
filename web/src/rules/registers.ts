import type { Json, JsonObject } from "../wire/canonical.js";
import { bad, compare, define, element, isOffset, members, must, type Op, object, only } from "./rule.js";

/**
 * A write: its stamp [at, client, inc, seq], which orders writes, and its value; a delete has none. The
 * greatest stamp wins: the write that knew more, not the later by some clock.
 */
type Write = [number, string, string, number, Json?];

const write = (op: Op, value: Json | undefined): Write => {
  const w: Write = [op.at, op.client, op.inc, op.seq];
  if (value !== undefined) w.push(value);
  return w;
};

const wins = (w: Write, old: Write | undefined) =>
  old ? compare(w as Json[], old as Json[], 4) > 0 : w.length > 4;

function readWrite(v: Json | undefined): Write {
  must(
    Array.isArray(v) &&
      (v.length === 4 || v.length === 5) &&
      isOffset(v[0]) &&
      typeof v[1] === "string" &&
      typeof v[2] === "string" &&
      isOffset(v[3]),
  );
  return v as Write;
}

/** The stamp of an initial value loses against every write. */
const first = (value: Json): Write => [0, "", "", 0, value];

export const lww = define<{ write?: Write }>("lww", {
  make: () => ({}),
  kinds: {
    set: (s, op) => {
      const w = write(op, only(op, "value").value);
      return () => {
        if (wins(w, s.write)) s.write = w;
      };
    },
    initial: (s, op) => {
      const w = first(only(op, "value").value as Json);
      return () => {
        s.write ??= w;
      };
    },
  },
  clone: (s) => ({ ...s }),
  save: (s): JsonObject => (s.write ? { stamp: s.write.slice(0, 4) as Json, value: s.write[4] as Json } : {}),
  read(saved) {
    if (!Object.keys(saved).length) return {};
    const [stamp, value] = members(saved, "stamp", "value");
    must(Array.isArray(stamp));
    return { write: readWrite([...stamp, value as Json]) };
  },
  value: (s) => s.write?.[4] ?? null,
});

/** Keys to their last writes, deletes included. */
type Cells = Map<string, Write>;

export const map = define<Cells>("crdt-map", {
  make: () => new Map(),
  kinds: {
    set: (s, op) => put(s, op, only(op, "key", "value")),
    delete: (s, op) => put(s, op, only(op, "key")),
    initial: (_, op) => {
      const { value } = only(op, "value");
      if (typeof value !== "object" || value === null || Array.isArray(value)) return bad();
      return () => new Map(Object.entries(value).map(([k, v]) => [element(k), first(v)]));
    },
  },
  clone: (s) => new Map(s),
  save: (s) => ({ keys: Object.fromEntries(s) as JsonObject }),
  read(saved) {
    const [keys] = members(saved, "keys");
    return new Map(Object.entries(object(keys)).map(([k, v]) => [k, readWrite(v)]));
  },
  value: (s) => live(s, 4),
});

function put(s: Cells, op: Op, body: JsonObject) {
  const key = element(body.key);
  const w = write(op, body.value);
  return () => {
    if (wins(w, s.get(key))) s.set(key, w);
  };
}

/** The values that stand at place i of what is kept under a key; what was deleted has nothing there. */
function live(s: Map<string, readonly unknown[]>, i: number): { [key: string]: unknown } {
  return Object.fromEntries(Array.from(s).flatMap(([k, v]) => (v.length > i ? [[k, v[i]]] : [])));
}

/**
 * A write of an ephemeral key: [n, hub, client, value?]. The greater (n, hub) wins, in whatever order
 * writes arrive. A delete is remembered, so that an older set which comes late has no effect.
 */
type Signal = [number, string, string, Json?];

/** How many deletes are remembered; the least is forgotten first. */
const MAX_DELETED = 1024;

export const ephemeral = define<Map<string, Signal>>("ephemeral", {
  make: () => new Map(),
  kinds: {
    set: (s, op) => signal(s, op, only(op, "key", "value")),
    delete: (s, op) => signal(s, op, only(op, "key")),
  },
  clone: (s) => new Map(s),
  save: (s) => ({ keys: Object.fromEntries(s) as JsonObject }),
  read(saved) {
    const [keys] = members(saved, "keys");
    return new Map(
      Object.entries(object(keys)).map(([k, v]) => {
        must(Array.isArray(v) && (v.length === 3 || v.length === 4) && isOffset(v[0]));
        must(typeof v[1] === "string" && typeof v[2] === "string");
        return [k, v as Signal];
      }),
    );
  },
  value: (s) => live(s, 3),
});

function signal(s: Map<string, Signal>, op: Op, body: JsonObject) {
  const key = element(body.key);
  const next: Signal = [op.off, op.inc, op.client];
  if (body.value !== undefined) next.push(body.value);
  return () => {
    const old = s.get(key);
    if (old && compare(next as Json[], old as Json[], 2) <= 0) return;
    s.set(key, next);
    if (next.length === 3) forget(s);
  };
}

function forget(s: Map<string, Signal>): void {
  const deleted = [...s].filter(([, v]) => v.length === 3);
  if (deleted.length <= MAX_DELETED) return;
  const order = ([k, v]: [string, Signal]): Json[] => [v[0], v[1], k];
  s.delete(deleted.reduce((a, b) => (compare(order(b), order(a), 3) < 0 ? b : a))[0]);
}
