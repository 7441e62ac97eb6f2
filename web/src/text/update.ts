import { type Id, MAX_CLOCK, Reader, Writer } from "./bytes.js";
import { refuse } from "./error.js";
import { DELETED, GC, Item, readItem, SKIP } from "./item.js";

/** Units of one client with ids that follow each other. */
export interface Range extends Id {
  readonly length: number;
}

/** A decoded update: structs by client, in the order of their clocks, and what it deletes. */
export interface Update {
  structs: Map<number, Item[]>;
  deletes: Range[];
}

export const endOf = (r: Range): number => r.clock + r.length;

/** Decodes an update. @throws FlowSyncError if it is none */
export function decode(bytes: Uint8Array): Update {
  const r = new Reader(bytes);
  const structs = new Map<number, Item[]>();
  const deletes: Range[] = [];
  for (let n = r.uint(); n > 0; n--) {
    const count = r.uint();
    const client = r.uint();
    let clock = r.uint(MAX_CLOCK);
    if (structs.has(client)) refuse("bad_op");
    const items: Item[] = [];
    while (items.length < count) {
      const item = readItem(r, client, clock);
      items.push(item);
      clock = item.end;
    }
    if (count) structs.set(client, items);
  }
  for (let n = r.uint(); n > 0; n--) {
    const client = r.uint();
    for (let k = r.uint(); k > 0; k--) {
      const range = { client, clock: r.uint(MAX_CLOCK), length: r.uint(MAX_CLOCK) };
      if (endOf(range) > MAX_CLOCK) refuse("bad_op");
      if (range.length) deletes.push(range);
    }
  }
  if (r.pos < bytes.length) refuse("bad_op");
  return { structs, deletes };
}

/** Encodes structs, of each client from a clock on, and deletes that {@link tidy} has arranged. */
export function encode(sections: Iterable<[number, Item[]]>, deletes: Range[], from?: Map<number, number>) {
  const w = new Writer();
  const sorted = [...sections].sort((a, b) => b[0] - a[0]);
  w.uint(sorted.length);
  for (const [client, items] of sorted) {
    const clock = from?.get(client) ?? (items[0] as Item).clock;
    const first = from ? indexOf(items, clock) : 0;
    w.uint(items.length - first);
    w.uint(client);
    w.uint(clock);
    for (let i = first; i < items.length; i++) {
      const item = items[i] as Item;
      item.write(w, Math.max(clock - item.clock, 0));
    }
  }
  writeRanges(w, deletes);
  return w.bytes();
}

/** Writes ranges, those of one client together. */
export function writeRanges(w: Writer, ranges: Range[]): void {
  const byClient = new Map<number, Range[]>();
  for (const r of ranges) {
    const own = byClient.get(r.client);
    if (own) own.push(r);
    else byClient.set(r.client, [r]);
  }
  w.uint(byClient.size);
  for (const [client, own] of byClient) {
    w.uint(client);
    w.uint(own.length);
    for (const r of own) {
      w.uint(r.clock);
      w.uint(r.length);
    }
  }
}

/** Sorts ranges by descending client, then clock, and merges those that touch. */
export function tidy(ranges: Range[]): Range[] {
  const out: Range[] = [];
  for (const r of [...ranges].sort((a, b) => b.client - a.client || a.clock - b.clock)) {
    const last = out[out.length - 1];
    if (last?.client === r.client && r.clock <= endOf(last)) {
      const end = Math.max(endOf(last), endOf(r));
      out[out.length - 1] = { client: r.client, clock: last.clock, length: end - last.clock };
    } else {
      out.push(r);
    }
  }
  return out;
}

/** The place of the item that holds a clock, among items that follow each other. */
export function indexOf(items: Item[], clock: number): number {
  let lo = 0;
  let hi = items.length - 1;
  if ((items[hi] as Item).clock <= clock) return hi;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if ((items[mid] as Item).clock <= clock) lo = mid;
    else hi = mid - 1;
  }
  return lo;
}

/**
 * One update that does what all do, without a document. Overlaps are written
 * once, gaps are marked.
 *
 * @example
 * // A rejected op's structs travel, as deleted content, with the next op.
 * const carried = mergeUpdates([skeleton(rejected), next]);
 */
export function mergeUpdates(updates: Uint8Array[]): Uint8Array {
  const all = new Map<number, Item[]>();
  const deletes: Range[] = [];
  for (const update of updates.map(decode)) {
    deletes.push(...update.deletes);
    for (const [client, items] of update.structs) {
      const real = items.filter((i) => i.kind !== SKIP);
      if (real.length) all.set(client, [...(all.get(client) ?? []), ...real]);
    }
  }
  for (const [client, items] of all) {
    const out: Item[] = [];
    let end = -1;
    for (let item of items.sort((a, b) => a.clock - b.clock)) {
      if (end >= item.end) continue;
      if (end > item.clock) item = item.cut(end - item.clock);
      else if (out.length && end < item.clock) out.push(new Item(client, end, item.clock - end, SKIP));
      out.push(item);
      end = item.end;
    }
    all.set(client, out);
  }
  return encode(all, tidy(deletes));
}

/**
 * What is left of an update that was rejected: the same ids at the same places,
 * holding deleted content, and no deletions. The author's later edits refer to
 * those ids.
 */
export function skeleton(update: Uint8Array): Uint8Array {
  const { structs } = decode(update);
  for (const item of [...structs.values()].flat()) {
    if (item.kind !== GC && item.kind !== SKIP) {
      item.kind = DELETED;
      item.content = null;
    }
  }
  return encode(structs, []);
}
