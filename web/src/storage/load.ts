import {
  type DeadLetter,
  follow,
  type Head,
  type QueuedOp,
  type Saved,
  type SavedStream,
} from "../machine/saved.js";
import { canonical, type Json } from "../wire/canonical.js";
import type { Change } from "./storage.js";

/** The key of ops, after the prefix: their stream, the rev of its head, the first seq and how many. */
export function opsKey(stream: string, rev: number, ops: QueuedOp[]): string {
  return `q:${stream}:${rev}-${pad(ops[0]?.seq ?? 0)}+${ops.length}`;
}

export function deadKey(d: { stream: string; inc: string; seq: number }): string {
  return `dead:${d.stream}:${d.inc}:${pad(d.seq)}`;
}

const pad = (seq: number) => String(seq).padStart(12, "0");

/** What was found under a prefix. */
export type Loaded = {
  saved: Saved;
  /** The rev of each stream's head, and under which keys its ops are. */
  shelves: Map<string, { rev: number; parts: Part[] }>;
  /** Damaged entries, moved aside. */
  repairs: Change[];
};

/** Ops under one key; key is empty until they are written. */
export type Part = { key: string; ops: QueuedOp[] };

/**
 * Reads a queue. What is damaged is moved to keys that begin with `bad:` and never stops a start: a damaged
 * head takes its stream's ops with it, damaged ops keep their places.
 */
export function loadQueue(entries: [string, string][], prefix: string): Loaded {
  const streams = new Map<string, SavedStream>();
  const shelves: Loaded["shelves"] = new Map();
  const dead: DeadLetter[] = [];
  const repairs: Change[] = [];
  const aside = (key: string, value: string) => {
    repairs.push([`${prefix}bad:${key}`, value], [prefix + key, null]);
  };
  const each = (kind: string, take: (rest: string, value: string) => boolean) => {
    for (const [full, value] of entries.sort()) {
      const key = full.slice(prefix.length);
      if (!key.startsWith(kind)) continue;
      try {
        if (take(key.slice(kind.length), value)) continue;
      } catch {
        // not JSON, or not of this shape
      }
      aside(key, value);
    }
  };

  each("meta:", (stream, value) => {
    const { v, rev, head } = JSON.parse(value) as { v: number; rev: number; head: Head };
    if (v !== 1 || !Number.isSafeInteger(rev) || head.stream !== stream || !soundHead(head)) return false;
    streams.set(stream, { head, ops: [] });
    shelves.set(stream, { rev, parts: [] });
    return true;
  });
  each("snap:", (stream, value) => {
    const { cursor, state } = JSON.parse(value) as { cursor: string; state: Json };
    const s = streams.get(stream);
    if (s) s.kept = { cursor, state };
    return !!s;
  });
  each("q:", (rest, value) => {
    const m = /^(.+):(\d+)-(\d+)\+(\d+)$/.exec(rest) as unknown as [string, string, string, string, string];
    const s = streams.get(m[1]);
    const shelf = shelves.get(m[1]);
    if (!s || !shelf) return false;
    if (Number(m[2]) !== shelf.rev) {
      // Of a queue that was replaced: the write that removes it did not come to its end.
      repairs.push([`${prefix}q:${rest}`, null]);
      return true;
    }
    let ops: QueuedOp[];
    let sound = true;
    try {
      ops = (JSON.parse(value) as [number, number, number, Json][]).map(readOp);
    } catch {
      sound = false;
      ops = lost(Number(m[3]), Number(m[4]), s.head);
    }
    for (const o of ops) follow(s.head, o);
    s.ops.push(...ops);
    shelf.parts.push({ key: sound ? `${prefix}q:${rest}` : "", ops });
    return sound;
  });
  each("dead:", (_, value) => {
    const d = JSON.parse(value) as DeadLetter;
    dead.push(d);
    return typeof d.op === "string";
  });
  for (const s of streams.values()) s.ops.sort((a, b) => a.seq - b.seq);
  return { saved: { streams: [...streams.values()], dead }, shelves, repairs };
}

function soundHead(h: Head): boolean {
  const numbers = [h.next, h.acked, h.at].every((n) => Number.isSafeInteger(n) && n >= 0);
  return (
    numbers && [h.rule, h.inc, h.epoch].every((s) => typeof s === "string") && /^[0-9a-f]{16}$/.test(h.hash)
  );
}

function readOp([seq, at, blind, op]: [number, number, number, Json]): QueuedOp {
  if (!(seq > 0) || !(at >= 0)) throw new Error("not an op");
  if (op === null) return { seq, at, blind: !!blind, op: "", lost: true };
  return { seq, at, blind: !!blind, op: canonical(op) };
}

/** Ops whose bodies are gone: they keep their seqs, and the hub's history tells whether it has them. */
function lost(first: number, n: number, { at, seen }: Head): QueuedOp[] {
  return Array.from({ length: n }, (_, i) => ({ seq: first + i, at, blind: !seen, op: "", lost: true }));
}
