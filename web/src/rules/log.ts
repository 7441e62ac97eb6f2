import { canonical, type Json } from "../wire/canonical.js";
import { refuse } from "../wire/error.js";
import { byteLength } from "../wire/hash.js";
import { bad, define, isOffset, list, members, must, type Op, only } from "./rule.js";

/**
 * append-log: the newest values in the hub's order. What leaves the state stays in the stream's log, for
 * as long as that is kept. Of a redacted entry only the weight is left, so that every replica drops the
 * same older entries.
 */
type Log = { entries: Item[]; keep: number; bytes: number };
type Item = { off: number; value?: Json; weight: number };

const MAX_ENTRY = 1 << 20;
const MAX_BYTES = 4 << 20;
const MAX_KEEP = 100_000;

const make = (): Log => ({ entries: [], keep: 1000, bytes: 0 });

function item(off: number, value: Json): Item {
  const weight = byteLength(canonical(value));
  if (weight > MAX_ENTRY) refuse("too_large", "an entry has at most 1 MiB");
  return { off, value, weight };
}

function push(l: Log, e: Item): void {
  l.entries.push(e);
  l.bytes += e.weight;
}

/** Drops the oldest entries until the rest is within bounds. */
function evict(l: Log): void {
  let n = 0;
  for (let over = l.bytes - MAX_BYTES; l.entries.length - n > l.keep || over > 0; n++) {
    over -= (l.entries[n] as Item).weight;
  }
  drop(l, 0, n);
}

function drop(l: Log, from: number, n: number): void {
  for (const e of l.entries.splice(from, n)) l.bytes -= e.weight;
}

/** The place of the first entry at or after an offset. */
function find(l: Log, off: number): number {
  const i = l.entries.findIndex((e) => e.off >= off);
  return i < 0 ? l.entries.length : i;
}

/** Requires an integer from 1. */
function count(v: Json | undefined, most = Number.MAX_SAFE_INTEGER): number {
  return isOffset(v) && v > 0 && v <= most ? v : bad();
}

function append(l: Log, op: Op, dry?: boolean): () => void {
  // A redacted entry only stands where an entry was; nobody can append one.
  const redacted = !dry && "redacted" in op.body && count(only(op, "redacted").redacted, MAX_ENTRY);
  const e = redacted ? { off: op.off, weight: redacted } : item(op.off, only(op, "value").value as Json);
  if ((l.entries.at(-1)?.off ?? 0) >= op.off) bad();
  return () => {
    push(l, e);
    evict(l);
  };
}

export const log = define<Log>("append-log", {
  make,
  kinds: {
    append,
    trim: (l, op) => {
      const before = count(only(op, "before").before);
      return () => drop(l, 0, find(l, before));
    },
    redact: (l, op) => {
      const off = count(only(op, "offset").offset);
      return () => drop(l, find(l, off), find(l, off + 1) - find(l, off));
    },
    options: (l, op) => {
      const keep = count(only(op, "keep").keep, MAX_KEEP);
      return () => {
        l.keep = keep;
        evict(l);
      };
    },
    initial: (_, op) => {
      const fresh = make();
      for (const v of list(only(op, "value").value)) {
        push(fresh, item(1, v));
        evict(fresh);
      }
      return () => fresh;
    },
  },
  clone: (l) => ({ ...l, entries: [...l.entries] }),
  save: (l) => ({
    entries: l.entries.map((e) => (e.value === undefined ? [e.off, null, e.weight] : [e.off, e.value])),
    keep: l.keep,
  }),
  read(saved) {
    const [entries, keep] = members(saved, "entries", "keep");
    must(Array.isArray(entries) && isOffset(keep) && keep > 0 && keep <= MAX_KEEP && entries.length <= keep);
    const l: Log = { ...make(), keep };
    let last = 1;
    for (const e of entries) {
      must(Array.isArray(e) && (e.length === 2 || e.length === 3) && isOffset(e[0]));
      must(e[0] >= last && (e[0] > last || last === 1));
      last = e[0];
      if (e.length === 2) push(l, item(last, e[1] as Json));
      else {
        must(e[1] === null && isOffset(e[2]) && e[2] > 0 && e[2] <= MAX_ENTRY);
        push(l, { off: last, weight: e[2] });
      }
    }
    must(l.bytes <= MAX_BYTES);
    return l;
  },
  value: (l) => l.entries.flatMap((e) => (e.value === undefined ? [] : [e.value])),
});
