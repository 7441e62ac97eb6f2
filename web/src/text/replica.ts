import type { Id } from "./bytes.js";
import { type Deleted, Document, type Splice } from "./document.js";
import { refuse } from "./error.js";
import { cutText, type Item, isInPair } from "./item.js";
import { decode, encode, endOf, type Range, tidy } from "./update.js";

/** What an own edit did. */
export interface TextEdit {
  /** The update that takes the edit to other replicas: the bytes that Yjs makes of it. */
  readonly update: Uint8Array;
  /** How the text changed. */
  readonly splices: Splice[];
  /** The ids of what was inserted. */
  readonly inserted: Range;
  /** What was deleted. */
  readonly removed: Deleted[];
}

/** What an update from elsewhere did. */
export interface TextChange {
  readonly splices: Splice[];
  /** The document clients of which it brought content that was not there. */
  readonly clients: number[];
}

/** How to make a {@link TextReplica}. */
export interface TextOptions {
  /** The name of the Y.Text in the document. Defaults to `text`. */
  root?: string;
  /** Own document client, see {@link TextReplica.client}. Defaults to 0, which must not edit. */
  client?: number;
  /** What the document holds: a whole update in format v1. */
  update?: Uint8Array;
}

/** Text that came back: what had these ids has those of client `by` from clock `to` on. */
export interface Redone extends Range {
  readonly by: number;
  readonly to: number;
}

/** A place in a text that stays while others edit, see {@link TextReplica.anchor}. */
export interface TextAnchor {
  /** The unit that the anchor stays with. */
  readonly item?: Id;
  /** Without one: the text whose beginning (assoc below 0) or end it is. */
  readonly tname?: string;
  readonly assoc: number;
}

/**
 * One replica of a text that many edit at once: a Yjs document of which one
 * Y.Text is shown and edited. Whatever else is in the document (formatting,
 * embeds, other roots) is kept, encoded and digested as Yjs does.
 *
 * Positions and lengths are those of Yjs, and places in {@link shownText}: UTF-16
 * code units, and one for each unit that is embedded. Those out of range are clamped,
 * those within a surrogate pair moved to its beginning, or for the end of a
 * range to its end.
 *
 * @example
 * const mine = new TextReplica({ client: crypto.getRandomValues(new Uint32Array(1))[0] >>> 2 });
 * const { update } = mine.insert(0, "hello");
 * const theirs = new TextReplica();
 * theirs.apply(update).splices; // [{ pos: 0, del: 0, ins: "hello" }]
 */
export class TextReplica extends Document {
  private own = 0;
  private isTaken = false;

  constructor({ root = "text", client = 0, update }: TextOptions = {}) {
    super(root, update);
    this.own = client;
  }

  /**
   * The document client whose content own edits are: an integer below 2^53 that
   * no other replica uses, nor this one after a restart. Choose it at random;
   * below 2^30 engines are fastest.
   */
  get client(): number {
    return this.own;
  }

  set client(client: number) {
    this.own = client;
    this.isTaken = false;
  }

  /** Whether content of the own document client came from elsewhere: set another client before the next edit. */
  get taken(): boolean {
    return this.isTaken;
  }

  /** How many UTF-16 code units the text has. */
  get length(): number {
    return this.shown.size;
  }

  /** Inserts text at a position. @throws FlowSyncError `bad_text` for half of a surrogate pair */
  insert(pos: number, text: string): TextEdit {
    return this.replace(pos, 0, text);
  }

  /** Deletes count units from a position on. */
  delete(pos: number, count: number): TextEdit {
    return this.replace(pos, count, "");
  }

  /** Deletes count units from a position on and inserts text there, as one edit. @throws FlowSyncError `bad_text` */
  replace(pos: number, count: number, text: string): TextEdit {
    if (/[\ud800-\udfff]/u.test(text)) refuse("bad_text");
    const from = this.snap(pos, -1);
    const to = count > 0 ? this.snap(pos + count, 1) : from;
    this.begin();
    let left: Item | null = null;
    if (from) {
      const place = this.shown.seek(from);
      left = place.item;
      if (place.offset < left.length && (to > from || text)) this.split(left, place.offset);
    }
    const behind = (item: Item | null) => (item ? item.right : this.shown.first);
    for (let n = to - from, item = behind(left); n > 0; item = behind(item)) {
      if (!item?.visible) continue;
      if (n < item.length) this.split(item, n);
      n -= item.length;
      this.remove(item);
    }
    if (text) {
      let right = behind(left);
      for (; right?.deleted; right = behind(right)) left = right;
      this.add(this.own, left, right, text);
    }
    return this.finish();
  }

  /**
   * Takes edits back, whoever has edited since: what was deleted returns under new
   * ids, and what was inserted is deleted. Ids that are not known are left out.
   */
  revert(inserted: Range[], removed: Deleted[]): TextEdit & { readonly redone: Redone[] } {
    const redone: Redone[] = [];
    this.begin();
    for (const r of removed) {
      const { client, clock, text } = r;
      const end = Math.min(endOf(r), this.clock(client));
      for (let at = clock; at < end; ) {
        const item = this.startAt({ client, clock: at });
        const length = Math.min(item.end, end) - at;
        if (item.list === this.shown) {
          const own = this.clock(this.own);
          const rest = cutText(text, at - clock)[1];
          this.add(this.own, item.left, item, cutText(rest, length)[0]);
          redone.push({ client, clock: at, length, by: this.own, to: own });
        }
        at += length;
      }
    }
    for (const { client, clock, length } of inserted) {
      const known = Math.min(length, this.clock(client) - clock);
      if (known > 0) this.deleteRange({ client, clock, length: known });
    }
    return { ...this.finish(), redone };
  }

  /**
   * Takes an update from elsewhere in; one that is there already changes nothing.
   *
   * @throws FlowSyncError. Nothing has changed if the update is no update
   * (`bad_op`, `bad_text`) or needs what is not there (`missing_dependency`). A
   * hub commits no update that contradicts the document; of a broken one such an
   * update is `bad_op` or `too_large` too, and leaves the replica in pieces. So
   * after a committed op was refused: drop the replica, open the stream again.
   */
  apply(update: Uint8Array): TextChange {
    this.receive(update);
    const clients = [...this.before.keys()];
    if (clients.includes(this.own)) this.isTaken = true;
    return { splices: this.splices, clients };
  }

  /**
   * Whether {@link apply} would take an update. Returns the document clients of which it
   * would bring content. @throws FlowSyncError as there
   */
  check(update: Uint8Array): number[] {
    return this.plan(decode(update)).map((item) => item.client);
  }

  /** An independent copy, by the same client. */
  fork(): TextReplica {
    return new TextReplica({ root: this.root, client: this.own, update: this.encode() });
  }

  /**
   * An anchor stays at its place while others edit: with what is behind it, or if
   * assoc is below 0 with what is before it. It is plain JSON, and the relative
   * position of Yjs.
   */
  anchor(pos: number, assoc = 0): TextAnchor {
    let at = this.snap(pos, -1);
    if (assoc >= 0) at++;
    if (at < 1 || at > this.length) return { tname: this.root, assoc };
    const { item, offset } = this.shown.seek(at);
    return { item: { client: item.client, clock: item.clock + offset - 1 }, assoc };
  }

  /** Where an anchor is now; undefined if the replica does not have what it names. */
  resolve({ item: id, tname, assoc }: TextAnchor): number | undefined {
    if (!id) return tname !== this.root ? undefined : assoc < 0 ? 0 : this.length;
    if (!(id.clock >= 0 && id.clock < this.clock(id.client))) return undefined;
    const item = this.find(id);
    if (item.list !== this.shown) return undefined;
    return this.shown.rank(item) + (item.visible && id.clock - item.clock + (assoc < 0 ? 1 : 0));
  }

  /** A position within the text, moved out of a surrogate pair. */
  private snap(pos: number, by: number): number {
    const at = Math.min(Math.max(Math.trunc(pos) || 0, 0), this.length);
    if (!at) return at;
    const { item, offset } = this.shown.seek(at);
    return typeof item.content === "string" && isInPair(item.content, offset) ? at + by : at;
  }

  private finish(): TextEdit {
    this.commit();
    const { own: client, before, deletes, splices } = this;
    const clock = before.get(client) ?? this.clock(client);
    const sections: [number, Item[]][] = before.size ? [[client, this.clients.get(client) as Item[]]] : [];
    return {
      update: encode(sections, tidy(deletes), before),
      splices,
      inserted: { client, clock, length: this.clock(client) - clock },
      removed: deletes.filter((r) => r.text),
    };
  }
}
