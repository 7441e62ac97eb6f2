import type { DurableEffect } from "../machine/effect.js";
import { type DeadLetter, follow, type Head, type QueuedOp } from "../machine/saved.js";
import { deadKey, type Loaded, opsKey, type Part } from "./load.js";
import type { Change, QueueStorage } from "./storage.js";

/**
 * The durable queue of one client: it carries out durable effects on a storage. Keys, after
 * `flowsync:<namespace>:<client>:`
 *
 *     meta:<stream>                  {v, rev, head}
 *     q:<stream>:<rev>-<seq>+<n>     n ops from seq on, as [[seq, at, blind, op], …]
 *     snap:<stream>                  {cursor, state}: a kept state
 *     dead:<stream>:<inc>:<seq>      a dead letter
 *     bad:<key>                      what could not be read
 *
 * Ops count only with the rev of their head, so that replacing a whole queue is one write.
 */
export type Queue = {
  do(effect: DurableEffect): void;
  /** Makes durable what was done. A promise when that takes time; never rejects: see health. */
  commit(): void | Promise<void>;
  /** Whether everything is durable. */
  healthy(): boolean;
  /** How many characters the queue takes. */
  used(): number;
};

/** One stream's part of the queue. */
type Shelf = {
  head: Head;
  rev: number;
  parts: Part[];
  kept: boolean;
  /** The head is to be written. */
  headDirty: boolean;
  /** Ops were appended since the head was written. It need not be: whoever loads them lets it follow. */
  behind: boolean;
};

/** How many ops share a key: acks rewrite a part of which they cover some ops. */
const PART = 256;

/** Longer states are not kept: the hub has them. */
const MAX_KEPT = 1 << 20;

/**
 * Opens the queue on what was loaded.
 *
 * @param maxUnits how many characters the queue may take
 * @param onHealth called when it stops or begins again to be durable
 */
export function newQueue(
  storage: QueueStorage,
  prefix: string,
  entries: [string, string][],
  loaded: Loaded,
  maxUnits: number,
  onHealth: () => void,
): Queue {
  const shelves = new Map<string, Shelf>();
  const dead = new Map<string, string>();
  /** Keys in storage, with their length and that of their value. */
  const sizes = new Map<string, number>();
  let removed: string[] = [];
  let fresh: Change[] = [];
  let total = 0;
  let ok = true;
  let retryAt = 0;

  const note = (key: string, value: string | null) => {
    total -= sizes.get(key) ?? 0;
    if (value === null) {
      sizes.delete(key);
      return;
    }
    sizes.set(key, key.length + value.length);
    total += key.length + value.length;
  };
  const metaOf = (s: Shelf) => JSON.stringify({ v: 1, rev: s.rev, head: s.head });
  const metaKey = (s: Shelf) => `${prefix}meta:${s.head.stream}`;
  const keptKey = (s: Shelf) => `${prefix}snap:${s.head.stream}`;
  const putDead = (d: DeadLetter) => {
    const key = prefix + deadKey(d);
    dead.set(key, JSON.stringify(d));
    fresh.push([key, dead.get(key) as string]);
  };
  const shelf = (head: Head): Shelf => {
    let s = shelves.get(head.stream);
    if (!s) {
      s = { head, rev: 0, parts: [], kept: false, headDirty: true, behind: false };
      shelves.set(head.stream, s);
    }
    return s;
  };

  for (const [key, value] of entries) note(key, value);
  for (const { head, kept } of loaded.saved.streams) {
    const { rev = 0, parts = [] } = loaded.shelves.get(head.stream) ?? {};
    shelves.set(head.stream, { head, rev, parts, kept: !!kept, headDirty: false, behind: true });
  }
  for (const d of loaded.saved.dead) dead.set(prefix + deadKey(d), JSON.stringify(d));
  fresh = loaded.repairs.filter(([, value]) => value !== null);
  for (const [key, value] of loaded.repairs) if (value === null) removed.push(key);

  /** Removes one op; the part that had it is written again. */
  const remove = (s: Shelf, seq: number) => {
    s.parts = s.parts.filter((p) => {
      const left = p.ops.filter((o) => o.seq !== seq);
      if (left.length === p.ops.length) return true;
      // A seq that was given out is never given out again, also when its op is gone.
      s.headDirty ||= s.behind;
      if (p.key) removed.push(p.key);
      p.key = "";
      p.ops = left;
      return left.length > 0;
    });
  };

  /** Drops the ops up to a seq. They are at the front: a drain of a long queue looks at no others. */
  const dropThrough = (s: Shelf, through: number) => {
    const n = s.parts.findIndex((p) => (p.ops.at(-1) as QueuedOp).seq > through);
    for (const p of s.parts.splice(0, n < 0 ? s.parts.length : n)) {
      if (p.key) removed.push(p.key);
      s.headDirty ||= s.behind;
    }
    const first = s.parts[0];
    const covered = first?.ops.findIndex((o) => o.seq > through) ?? 0;
    if (!first || covered < 1) return;
    if (first.key) removed.push(first.key);
    first.key = "";
    first.ops.splice(0, covered);
    s.headDirty ||= s.behind;
  };

  const replaceOps = (s: Shelf, ops: QueuedOp[]) => {
    for (const p of s.parts) if (p.key) removed.push(p.key);
    s.parts = chunks(ops);
    s.rev++;
    s.headDirty = true;
  };

  const saveOp = (s: Shelf, op: QueuedOp) => {
    follow(s.head, op);
    s.behind = true;
    // Almost always it is a new one, behind all others.
    const newest = s.parts.at(-1)?.ops.at(-1);
    const old =
      newest && newest.seq >= op.seq ? s.parts.find((p) => p.ops.some((o) => o.seq === op.seq)) : undefined;
    if (old) {
      if (old.key) removed.push(old.key);
      old.key = "";
      old.ops = old.ops.map((o) => (o.seq === op.seq ? op : o));
      return;
    }
    const last = s.parts.at(-1);
    if (last && !last.key && last.ops.length < PART) last.ops.push(op);
    else s.parts.push({ key: "", ops: [op] });
  };

  /** What storage lacks. Ops come before the head that counts them, removals last. */
  const collect = (): Change[] => {
    const changes: Change[] = [];
    for (const s of shelves.values()) {
      for (const p of s.parts) {
        if (p.key) continue;
        p.key = prefix + opsKey(s.head.stream, s.rev, p.ops);
        changes.push([p.key, encodeOps(p.ops)]);
      }
    }
    changes.push(...fresh);
    for (const s of shelves.values()) {
      if (s.headDirty) changes.push([metaKey(s), metaOf(s)]);
      if (s.headDirty) s.behind = false;
      s.headDirty = false;
    }
    const written = new Set(changes.map(([key]) => key));
    for (const key of removed) if (!written.has(key)) changes.push([key, null]);
    fresh = [];
    removed = [];
    return changes;
  };

  /** Everything anew and close together, without kept states: what is left to do when space runs out. */
  const compacted = (): Change[] => {
    const gone: Change[] = [];
    for (const s of shelves.values()) {
      gone.push([keptKey(s), null]);
      for (const p of s.parts) if (p.key) gone.push([p.key, null]);
      s.parts = chunks(s.parts.flatMap((p) => p.ops));
      s.kept = false;
      s.headDirty = true;
    }
    fresh = [...dead];
    return [...gone, ...collect()];
  };

  const write = (changes: Change[]): void | Promise<void> => {
    for (const [key, value] of changes) note(key, value);
    if (total > maxUnits) throw new Error("the queue is over its bound");
    return storage.write(changes);
  };
  const healthy = (now: boolean) => {
    if (!now) retryAt = Date.now() + 5000;
    if (ok === now) return;
    ok = now;
    onHealth();
  };
  const again = (): void | Promise<void> => {
    try {
      const writing = write(compacted());
      if (!writing) return healthy(true);
      return writing.then(
        () => healthy(true),
        () => healthy(false),
      );
    } catch {
      healthy(false);
      return;
    }
  };

  return {
    do(e) {
      switch (e.do) {
        case "saveStream": {
          const s = shelf(e.head);
          s.head = e.head;
          replaceOps(s, e.ops);
          return;
        }
        case "saveHead": {
          const s = shelf(e.head);
          s.head = e.head;
          s.headDirty = true;
          return;
        }
        case "saveOp": {
          const s = shelves.get(e.stream);
          if (s) saveOp(s, e.op);
          return;
        }
        case "dropOps": {
          const s = shelves.get(e.stream);
          if (s) dropThrough(s, e.through);
          return;
        }
        case "saveState": {
          const s = shelf(e.head);
          s.head = e.head;
          s.headDirty = true;
          const kept = JSON.stringify({ cursor: e.cursor, state: e.state });
          const had = s.kept;
          s.kept = kept.length <= MAX_KEPT;
          if (s.kept) fresh.push([keptKey(s), kept]);
          else if (had) removed.push(keptKey(s));
          dropThrough(s, e.through);
          return;
        }
        case "saveDead": {
          putDead(e.dead);
          const s = shelves.get(e.dead.stream);
          if (s) remove(s, e.dead.seq);
          return;
        }
        case "dropDead": {
          const key = prefix + deadKey(e);
          dead.delete(key);
          removed.push(key);
        }
      }
    },
    commit() {
      if (!ok) {
        // Some room may have come: try the whole again, not at every key.
        if (Date.now() < retryAt) return;
        return again();
      }
      const changes = collect();
      if (!changes.length) return;
      try {
        return write(changes)?.catch(again);
      } catch {
        return again();
      }
    },
    healthy: () => ok,
    used: () => total,
  };
}

function chunks(ops: QueuedOp[]): Part[] {
  const parts: Part[] = [];
  for (let i = 0; i < ops.length; i += PART) parts.push({ key: "", ops: ops.slice(i, i + PART) });
  return parts;
}

function encodeOps(ops: QueuedOp[]): string {
  return `[${ops.map((o) => `[${o.seq},${o.at},${o.blind ? 1 : 0},${o.lost ? null : o.op}]`).join()}]`;
}
