import { type Id, MAX_DEPTH } from "./bytes.js";
import { refuse } from "./error.js";
import { DELETED, GC, Item, isInPair, SKIP, STRING, sameId, TYPE } from "./item.js";
import { type List, Shared } from "./list.js";
import { decode, encode, endOf, indexOf, type Range, tidy, type Update } from "./update.js";

/** A change of a text: at pos, del units went and ins came. Each applies after the ones before it. */
export interface Splice {
  pos: number;
  del: number;
  ins: string;
}

/** Ids that were deleted, and what text they had. */
export interface Deleted extends Range {
  readonly text: string;
}

/** Stands in a text for what is no text. */
const EMBEDDED = "\ufffc";

/** How many neighbours one update may be compared with to find its places. */
const WORK = 1 << 24;

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
  protected deletes: Deleted[] = [];
  protected splices: Splice[] = [];
  private touched: Item[] = []; // what may have to be collected, or merge with a neighbour
  private work = WORK;
  private loaded = false;

  private value: string | undefined;
  private patches = 0; // of value since it was last asked for

  /** The list whose text is shown. */
  protected readonly shown: List;

  constructor(
    readonly root: string,
    update?: Uint8Array,
  ) {
    this.shown = this.rootType(root).list();
    if (update) this.receive(update); // nobody asks for the splices
    this.loaded = true;
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

  /** The text alone, without what is embedded in it. */
  toString(): string {
    const s = this.shownText();
    return s.includes(EMBEDDED) ? this.read("") : s;
  }

  /**
   * The text with one U+FFFC for each unit that is embedded in it: places in it are positions. O(1) between
   * edits, and a concatenation after one.
   */
  shownText(): string {
    this.value ??= this.read(EMBEDDED);
    this.patches = 0;
    return this.value;
  }

  private read(embedded: string): string {
    let s = "";
    for (let i = this.shown.first; i; i = i.right) {
      if (i.visible) s += i.kind === STRING ? i.content : embedded.repeat(i.length);
    }
    return s;
  }

  protected begin(): void {
    this.before = new Map();
    this.deletes = [];
    this.touched = [];
    this.splices = [];
    this.work = WORK;
  }

  /** Notes that at a place in an item, del units go and ins come. */
  private note(item: Item, at: number, del: number, ins: string): void {
    if (!this.loaded || item.list !== this.shown || !item.visible) return;
    const pos = this.shown.rank(item) + at;
    const last = this.splices.at(-1);
    if (last && !del && pos === last.pos + last.ins.length) last.ins += ins;
    else if (last && !ins && !last.ins && pos === last.pos) last.del += del;
    else this.splices.push({ pos, del, ins });
    if (this.value === undefined) return;
    this.patches++;
    this.value = this.patches > 8 ? undefined : this.value.slice(0, pos) + ins + this.value.slice(pos + del);
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
      this.note(item, n - 1, 2, "\ufffd\ufffd");
    }
    const rest = item.cut(n);
    const list = item.list as List;
    list.resize(item, item.visible - size);
    list.link(item, rest);
    const items = this.clients.get(item.client) as Item[];
    items.splice(indexOf(items, item.clock) + 1, 0, rest);
    this.touched.push(rest);
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
   * depends on, and changes nothing. @throws FlowSyncError `missing_dependency`
   */
  protected plan(update: Update): Item[] {
    const sections = new Map(
      [...update.structs].map(([client, items]) => [
        client,
        { client, items, at: 0, reached: this.clock(client), waiting: [] as number[] },
      ]),
    );
    const reached = (client: number) => sections.get(client)?.reached ?? this.clock(client);
    const order: Item[] = [];
    const queue = [...sections.keys()];
    for (let work = WORK; queue.length; ) {
      const section = sections.get(queue.pop() as number) as NonNullable<ReturnType<typeof sections.get>>;
      const { client, items, waiting } = section;
      for (let item = items[section.at]; item; item = items[++section.at]) {
        if (item.kind === SKIP || item.end <= section.reached) continue;
        const needs = [item.origin, item.next, item.parent].find(
          (id) => typeof id === "object" && id && id.client !== client && id.clock >= reached(id.client),
        ) as Id | undefined;
        if (item.clock > section.reached || (needs && !sections.has(needs.client)))
          refuse("missing_dependency");
        if (needs) {
          sections.get(needs.client)?.waiting.push(client);
          break;
        }
        order.push(item);
        section.reached = item.end;
      }
      work -= waiting.length;
      if (work < 0) refuse("too_large");
      queue.push(...waiting.splice(0));
    }
    const stuck = [...sections.values()].some((s) => s.at < s.items.length);
    if (stuck || update.deletes.some((r) => endOf(r) > reached(r.client))) refuse("missing_dependency");
    return order;
  }

  /** Takes an update in. @throws FlowSyncError */
  protected receive(bytes: Uint8Array): void {
    const update = decode(bytes);
    const order = this.plan(update);
    this.begin();
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
      if (--this.work < 0) refuse("too_large");
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
      if (item.shared.depth > MAX_DEPTH) refuse("too_large");
    }
    this.note(item, 0, 0, item.kind === STRING ? (item.content as string) : EMBEDDED.repeat(item.visible));
    const isKey = list.sub !== undefined;
    if (isKey && !item.right && left) this.remove(left);
    if ((isKey && item.right) || list.owner.item?.deleted) this.remove(item);
  }

  private append(item: Item): void {
    const { client, clock } = item;
    this.touched.push(item);
    if (!this.before.has(client)) this.before.set(client, clock);
    const items = this.clients.get(client);
    if (items) items.push(item);
    else this.clients.set(client, [item]);
  }

  /** Adds text of a client between two neighbours in the list that is shown. */
  protected add(client: number, left: Item | null, right: Item | null, text: string): Item {
    const clock = this.clock(client);
    const next = right && idOf(right);
    const item = new Item(client, clock, text.length, STRING, text, left?.lastId, next, this.root);
    this.append(item);
    this.shown.link(left, item);
    this.note(item, 0, 0, text);
    return item;
  }

  /** The list that an item goes to; undefined if it is gone. */
  private place(item: Item, left: Item | null, right: Item | null): List | undefined {
    if (item.kind === GC || (left && !left.list) || (right && !right.list)) return;
    if (left && right && left.list !== right.list) refuse("bad_op");
    const beside = left ?? right;
    if (beside) return beside.list as List;
    let type: Shared | null = null;
    if (typeof item.parent === "string") {
      type = this.rootType(item.parent);
    } else {
      const holder = this.find(item.parent as Id);
      if (holder.kind <= DELETED) return;
      type = holder.shared;
      if (!type) refuse("bad_op");
    }
    return type.list(item.sub);
  }

  // Deleting

  /** Marks an item as deleted, and with a shared type all that is in it. */
  protected remove(item: Item): void {
    for (const stack = [item]; stack.length; ) {
      const i = stack.pop() as Item;
      this.touched.push(i);
      if (i.deleted) continue; // it will be collected with its type, and may then merge with others
      const { client, clock, length, content } = i;
      this.note(i, 0, length, "");
      const text = i.list === this.shown && i.visible && typeof content === "string" ? content : "";
      this.deletes.push({ client, clock, length, text });
      i.list?.resize(i, -i.visible);
      i.deleted = true;
      for (const list of i.shared?.lists.values() ?? []) {
        for (let c = list.sub === undefined ? list.first : list.last; c; c = c.right) stack.push(c);
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

  /** Collects what was deleted and merges what became alike. */
  protected commit(): void {
    for (const item of this.touched) if (item.deleted && item.list) empty(item);
    for (const { client, clock } of this.touched) {
      const items = this.clients.get(client) as Item[];
      const i = indexOf(items, clock);
      if (!this.mergeLefts(items, i + 1)) this.mergeLefts(items, i);
    }
  }

  /** Joins an item to those before it for as long as they fit, and returns how many that were. */
  private mergeLefts(items: Item[], at: number): number {
    let i = at;
    while (i > 0 && join(items[i - 1] as Item, items[i])) i--;
    if (i < at) items.splice(i + 1, at - i);
    return at - i;
  }
}

const idOf = ({ client, clock }: Id): Id => ({ client, clock });

function join(l: Item, r?: Item): boolean {
  if (l.kind !== r?.kind || l.deleted !== r.deleted) return false;
  if (l.kind !== GC) {
    const list = l.list as List;
    if (
      l.content instanceof Uint8Array ||
      l.right !== r ||
      !sameId(l.next, r.next) ||
      !sameId(r.origin, l.lastId)
    )
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
