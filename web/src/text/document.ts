import { type Id, MAX_DEPTH } from "./bytes.js";
import { malformed, TextError } from "./error.js";
import { ANY_VALUES, DELETED, GC, Item, isInPair, JSON_VALUES, SKIP, STRING, sameId, TYPE } from "./item.js";
import { type List, Shared } from "./list.js";
import { decode, encode, endOf, indexOf, type Range, tidy, type Update } from "./update.js";

/** A change of a text: at pos, del units went and ins came. Each applies after the ones before it. */
export interface Splice {
  readonly pos: number;
  readonly del: number;
  readonly ins: string;
}

/** Text that an edit deleted, under the ids that it had. */
export interface Removed extends Id {
  readonly text: string;
}

/** How many neighbours one update may be compared with to find its places. */
const WORK = 1 << 24;

const MERGES = [DELETED, JSON_VALUES, STRING, ANY_VALUES];

/**
 * The items of a Yjs document, and how they merge: conflicting insertions are
 * ordered by YATA as Yjs orders them, and a transaction ends as there, with
 * deleted content collected and items joined, so that encodings are equal byte
 * for byte. Formatting is kept as it comes.
 */
export class Document {
  protected readonly clients = new Map<number, Item[]>();
  readonly roots = new Map<string, Shared>();

  // Of the transaction that runs, or of the last one.
  protected before = new Map<number, number>(); // clocks of the clients that got content
  protected deletes: Range[] = [];
  protected removed: Removed[] = [];
  protected splices: Splice[] | null = null;
  private splits: Item[] = [];
  private work = 0;

  private value: string | undefined;
  private patches = 0; // of value since it was last asked for

  /** The list whose text is shown. */
  protected readonly shown: List;

  constructor(readonly root: string) {
    this.shown = this.rootType(root).list();
  }

  /** The next clock of a client: how much of it the document has. */
  clock(client: number): number {
    return this.clients.get(client)?.at(-1)?.end ?? 0;
  }

  /** All ids, by descending client. */
  get state(): Range[] {
    return tidy([...this.clients.keys()].map((client) => ({ client, clock: 0, length: this.clock(client) })));
  }

  /** All deleted ids, by descending client. */
  get deleted(): Range[] {
    return tidy([...this.clients.values()].flat().filter((item) => item.deleted));
  }

  /** The whole document as one update. */
  encode(): Uint8Array {
    return encode(this.clients, this.deleted);
  }

  /** The text. O(1) between edits, and a concatenation after one. */
  toString(): string {
    if (this.value === undefined) {
      let s = "";
      for (let i = this.shown.first; i; i = i.right) if (i.visible) s += i.content;
      this.value = s;
    }
    this.patches = 0;
    return this.value;
  }

  protected begin(record: boolean): void {
    this.before = new Map();
    this.deletes = [];
    this.removed = [];
    this.splits = [];
    this.splices = record ? [] : null;
    this.work = WORK;
  }

  /** Notes a change of the text that is shown. */
  protected note(pos: number, del: number, ins: string): void {
    if (this.value !== undefined) {
      const v = this.value;
      this.value = ++this.patches > 8 ? undefined : v.slice(0, pos) + ins + v.slice(pos + del);
    }
    const all = this.splices;
    const last = all?.at(-1);
    if (last && !del && pos === last.pos + last.ins.length) {
      all?.splice(-1, 1, { ...last, ins: last.ins + ins });
    } else if (last && !ins && !last.ins && pos === last.pos) {
      all?.splice(-1, 1, { ...last, del: last.del + del });
    } else {
      all?.push({ pos, del, ins });
    }
  }

  private noteAt(item: Item, at: number, del: number, ins: string): void {
    if (item.list !== this.shown || !item.visible) return;
    if (this.splices) this.note(this.shown.rank(item) + at, del, ins);
    else this.value = undefined;
  }

  private rootType(name: string): Shared {
    const type = this.roots.get(name) ?? new Shared(null, 0);
    this.roots.set(name, type);
    return type;
  }

  // Finding and splitting

  protected find(id: Id): Item {
    const items = this.clients.get(id.client) as Item[];
    return items[indexOf(items, id.clock)] as Item;
  }

  /** Cuts an item in two and returns the second. */
  protected split(item: Item, n: number): Item {
    const size = item.visible;
    if (typeof item.content === "string" && isInPair(item.content, n)) {
      this.noteAt(item, n - 1, 2, "\ufffd\ufffd");
    }
    const rest = item.cut(n);
    const list = item.list as List;
    list.resize(item, item.visible - size);
    list.link(item, rest);
    const items = this.clients.get(item.client) as Item[];
    items.splice(indexOf(items, item.clock) + 1, 0, rest);
    this.splits.push(rest);
    return rest;
  }

  /** The item that begins with an id. */
  protected startAt(id: Id): Item {
    const item = this.find(id);
    return item.list && item.clock < id.clock ? this.split(item, id.clock - item.clock) : item;
  }

  /** The item that ends with an id. */
  private endAt(id: Id): Item {
    const item = this.find(id);
    if (item.list && id.clock + 1 < item.end) this.split(item, id.clock + 1 - item.clock);
    return item;
  }

  // Remote changes

  /**
   * Puts the structs of an update in an order in which each follows what it
   * depends on, and changes nothing. @throws TextError `missing_dependency`
   */
  protected plan(update: Update): Item[] {
    const sections = new Map(
      [...update.structs].map(([client, items]) => [
        client,
        { client, items, at: 0, reached: this.clock(client), waits: false },
      ]),
    );
    const order: Item[] = [];
    const reached = (client: number) => sections.get(client)?.reached ?? this.clock(client);
    for (const section of sections.values()) {
      const stack = [section];
      for (let top = section; stack.length; top = stack.at(-1) as typeof section) {
        const item = top.items[top.at];
        if (!item) {
          stack.pop();
          continue;
        }
        let need: number | undefined;
        if (item.kind !== SKIP && item.end > top.reached) {
          if (item.clock > top.reached) need = top.client;
          for (const id of [item.origin, item.next, item.parent]) {
            if (typeof id === "object" && id && id.client !== item.client && id.clock >= reached(id.client)) {
              need = id.client;
            }
          }
          if (need === undefined) {
            order.push(item);
            top.reached = item.end;
          }
        }
        if (need === undefined) {
          top.at++;
          top.waits = false;
          if (stack.length > 1) stack.pop();
          continue;
        }
        top.waits = true;
        const other = sections.get(need);
        if (!other || other.waits || other.at === other.items.length) throw missing();
        stack.push(other);
      }
    }
    if (update.deletes.some((r) => endOf(r) > reached(r.client))) throw missing();
    return order;
  }

  /** Takes an update in. @throws TextError */
  protected receive(bytes: Uint8Array, record: boolean): void {
    const update = decode(bytes);
    const order = this.plan(update);
    this.begin(record);
    for (const item of order) this.integrate(item);
    for (const r of update.deletes) this.deleteRange(r);
    this.commit();
  }

  /** Puts an item where YATA says, or collects it if what it belongs to is gone. */
  private integrate(item: Item): void {
    const { client } = item;
    const known = this.clock(client) - item.clock;
    if (known > 0) item = item.cut(known);
    let left = item.origin && this.endAt(item.origin);
    const right = item.next && this.startAt(item.next);
    const list = this.place(item, left, right);
    if (!list) {
      collect(item);
      this.append(item);
      return;
    }

    // Between left and right others may have inserted concurrently. From left to
    // right: one with the same origin goes first if its client is lower; with a
    // higher client and the same right neighbour it goes behind. One whose origin
    // was passed belongs to that item's group. Any other ends the search.
    const passed = new Set<Item>();
    let group = new Set<Item>(); // passed since left moved
    for (let o = left ? left.right : list.first; o && o !== right; o = o.right) {
      if (--this.work < 0)
        throw new TextError("too_large", "the update makes too many comparisons; split it");
      passed.add(o);
      group.add(o);
      let before = false;
      if (sameId(o.origin, item.origin)) {
        before = o.client < client;
        if (!before && sameId(o.next, item.next)) break;
      } else {
        const origin = o.origin && this.find(o.origin);
        if (!origin || !passed.has(origin)) break;
        before = !group.has(origin);
      }
      if (before) {
        left = o;
        group = new Set();
      }
    }
    this.append(item);
    list.link(left, item);
    item.sub = list.sub;
    if (item.kind === TYPE) {
      item.shared = new Shared(item, list.owner.depth + 1);
      if (item.shared.depth > MAX_DEPTH) throw new TextError("too_large", "shared types nest too deeply");
    }
    this.noteAt(item, 0, 0, item.content as string);
    const isKey = list.sub !== undefined;
    if (isKey && !item.right && left) this.remove(left);
    if ((isKey && item.right) || list.owner.item?.deleted) this.remove(item);
  }

  private append(item: Item): void {
    const { client, clock } = item;
    if (!this.before.has(client)) this.before.set(client, clock);
    const items = this.clients.get(client);
    if (items) items.push(item);
    else this.clients.set(client, [item]);
  }

  /** Adds text of a client between two neighbours in the list that is shown. */
  protected add(client: number, left: Item | null, right: Item | null, text: string): Item {
    const clock = this.clock(client);
    const next = right && idOf(right);
    if (
      left?.client === client &&
      left.end === clock &&
      left.kind === STRING &&
      !left.deleted &&
      sameId(left.next, next)
    ) {
      // It would be merged at the end of the transaction.
      if (!this.before.has(client)) this.before.set(client, clock);
      this.noteAt(left, left.length, 0, text);
      left.content += text;
      left.length += text.length;
      this.shown.resize(left, text.length);
      return left;
    }
    const item = new Item(client, clock, text.length, STRING, text, left?.lastId, next, this.root);
    this.append(item);
    this.shown.link(left, item);
    this.noteAt(item, 0, 0, text);
    return item;
  }

  /** The list that an item goes to; undefined if it is gone. */
  private place(item: Item, left: Item | null, right: Item | null): List | undefined {
    if (item.kind === GC || (left && !left.list) || (right && !right.list)) return;
    if (left && right && left.list !== right.list)
      throw malformed("a struct's neighbours are in different lists");
    const beside = left ?? right;
    if (beside) return beside.list as List;
    let type: Shared | null = null;
    if (typeof item.parent === "string") {
      type = this.rootType(item.parent);
    } else {
      const holder = this.find(item.parent as Id);
      if (holder.kind <= DELETED) return;
      type = holder.shared;
      if (!type) throw malformed("a struct's parent is not a shared type");
    }
    return type.list(item.sub);
  }

  // Deleting

  /** Marks an item as deleted, and with a shared type all that is in it. */
  protected remove(item: Item): void {
    for (let stack = [item], i: Item | undefined = item; stack.length; ) {
      i = stack.pop() as Item;
      if (i.deleted) {
        // In a deleted type it will be collected, and may then merge with others.
        if (i !== item && i.clock < (this.before.get(i.client) ?? i.end)) this.splits.push(i);
        continue;
      }
      this.noteAt(i, 0, i.length, "");
      if (i.list === this.shown && i.visible) this.removed.push({ ...idOf(i), text: i.content as string });
      i.list?.resize(i, -i.visible);
      i.deleted = true;
      this.deletes.push({ ...idOf(i), length: i.length });
      for (const list of i.shared?.lists.values() ?? []) {
        if (list.sub === undefined) for (let c = list.first; c; c = c.right) stack.push(c);
        else if (list.last) stack.push(list.last);
      }
    }
  }

  protected deleteRange(r: Range): void {
    const items = this.clients.get(r.client) as Item[];
    let i = indexOf(items, r.clock);
    for (; i < items.length; i++) {
      let item = items[i] as Item;
      if (item.clock >= endOf(r)) return;
      if (item.deleted) continue;
      if (item.clock < r.clock) {
        item = this.split(item, r.clock - item.clock);
        i++;
      }
      if (item.end > endOf(r)) this.split(item, endOf(r) - item.clock);
      this.remove(item);
    }
  }

  // The end of a transaction

  /** Collects what was deleted and merges what became alike, in the order of Yjs. */
  protected commit(): void {
    this.deletes = tidy(this.deletes);
    for (const r of this.deletes) {
      const items = this.clients.get(r.client) as Item[];
      for (let i = indexOf(items, r.clock); i < items.length && (items[i] as Item).clock < endOf(r); i++) {
        const item = items[i] as Item;
        if (item.deleted && item.list) empty(item);
      }
    }
    for (const r of this.deletes.slice().reverse()) {
      const items = this.clients.get(r.client) as Item[];
      this.mergeBack(items, Math.min(items.length, indexOf(items, endOf(r) - 1) + 2), r.clock);
    }
    for (const [client, clock] of this.before) {
      const items = this.clients.get(client) as Item[];
      this.mergeBack(items, items.length, clock);
    }
    for (const { client, clock } of this.splits.reverse()) {
      const items = this.clients.get(client) as Item[];
      const i = indexOf(items, clock);
      if (i + 1 < items.length && this.mergeLefts(items, i + 1) > 1) continue;
      this.mergeLefts(items, i);
    }
  }

  /** Tries each boundary before place end, back to where items begin before clock. */
  private mergeBack(items: Item[], end: number, clock: number): void {
    for (let i = end - 1; i > 0 && (items[i] as Item).clock >= clock; ) i -= 1 + this.mergeLefts(items, i);
  }

  /** Joins an item to those before it for as long as they fit, and returns how many that were. */
  private mergeLefts(items: Item[], at: number): number {
    let i = at;
    while (i > 0 && join(items[i - 1] as Item, items[i] as Item)) i--;
    if (i < at) items.splice(i + 1, at - i);
    return at - i;
  }
}

const idOf = ({ client, clock }: Id): Id => ({ client, clock });

const missing = () =>
  new TextError(
    "missing_dependency",
    "the update depends on content that is not there; apply what comes before it first",
  );

function join(l: Item, r: Item): boolean {
  if (l.kind !== r.kind || l.deleted !== r.deleted) return false;
  if (l.kind !== GC) {
    const list = l.list as List;
    if (!MERGES.includes(l.kind) || l.right !== r || !sameId(l.next, r.next) || !sameId(r.origin, l.lastId))
      return false;
    list.unlink(r);
    list.resize(l, r.visible);
    if (typeof l.content === "string") l.content += r.content as string;
    else (l.content as Uint8Array[] | null)?.push(...(r.content as Uint8Array[]));
  }
  l.length += r.length;
  return true;
}

/** Drops the content of a deleted item. It keeps its place; what was inside of it loses it. */
function empty(item: Item): void {
  item.kind = DELETED;
  item.content = null;
  for (const held = [item]; held.length; ) {
    const holder = held.pop() as Item;
    for (const list of holder.shared?.lists.values() ?? []) {
      for (let i = list.first; i; ) {
        const next = i.right;
        if (i.shared) held.push(i);
        collect(i);
        i = next;
      }
    }
    holder.shared = null;
  }
}

/** Turns an item into a mere length. */
function collect(item: Item): void {
  item.kind = GC;
  item.deleted = true;
  item.content = item.origin = item.next = item.list = item.block = item.left = item.right = null;
  item.parent = item.sub = undefined;
}
