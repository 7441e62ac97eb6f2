import { type Id, MAX_CLOCK, type Reader, type Writer } from "./bytes.js";
import { refuse } from "./error.js";
import type { Block, List, Shared } from "./list.js";

// What an item holds, as format v1 numbers it. Of what is opaque to a text
// (JSON, BINARY, EMBED, FORMAT, TYPE, ANY, DOC) the bytes are kept as they came.
export const GC = 0; // only a length: what it belonged to is gone
export const DELETED = 1; // only a length, at a place
export const JSON_VALUES = 2;
export const BINARY = 3;
export const STRING = 4;
export const EMBED = 5;
export const FORMAT = 6;
export const TYPE = 7;
export const ANY_VALUES = 8;
export const DOC = 9;
export const SKIP = 10; // a gap between structs of an update

/** Of a string the string, of value lists the encoding of each value, of other kinds the encoding. */
export type Content = string | Uint8Array[] | Uint8Array | null;

export const sameId = (a: Id | null, b: Id | null): boolean =>
  a === b || (a !== null && b !== null && a.client === b.client && a.clock === b.clock);

/**
 * A run of units that one client inserted at once, side by side. In an update it
 * is a struct; integrated it is in a {@link List}, or in none if it was collected.
 */
export class Item implements Id {
  left: Item | null = null;
  right: Item | null = null;
  list: List | null = null;
  block: Block | null = null;
  shared: Shared | null = null; // what a TYPE holds
  deleted: boolean;

  constructor(
    readonly client: number,
    public clock: number,
    public length: number,
    public kind: number,
    public content: Content = null,
    public origin: Id | null = null, // the unit that it was inserted behind
    public next: Id | null = null, // the unit that it was inserted before
    public parent?: string | Id, // with neither: the root, or the item that holds its type
    public sub?: string, // the key that it is a value of
  ) {
    this.deleted = kind <= DELETED;
  }

  get end(): number {
    return this.clock + this.length;
  }

  get lastId(): Id {
    return { client: this.client, clock: this.end - 1 };
  }

  /** How many positions of a text it takes up: formats take none. */
  get visible(): number {
    return this.deleted || this.kind === FORMAT ? 0 : this.length;
  }

  /** Cuts off what is behind the first n units, and returns it as an item without a place. */
  cut(n: number): Item {
    let { content, client, clock, length, kind, next, sub } = this;
    if (typeof content === "string") {
      [this.content, content] = cutText(content, n);
    } else if (Array.isArray(content)) {
      content = content.splice(n);
    }
    const rest = new Item(client, clock + n, length - n, kind, content, null, next, undefined, sub);
    rest.origin = { client, clock: clock + n - 1 };
    rest.deleted = this.deleted;
    this.length = n;
    return rest;
  }

  write(w: Writer, offset = 0): void {
    const { kind, content } = this;
    const length = this.length - offset;
    if (kind === GC || kind === SKIP) {
      w.uint(kind);
      w.uint(length);
      return;
    }
    const origin = offset > 0 ? { client: this.client, clock: this.clock + offset - 1 } : this.origin;
    const { next, parent, sub } = this;
    w.byte(kind | (origin ? 128 : 0) | (next ? 64 : 0) | (sub === undefined ? 0 : 32));
    if (origin) w.id(origin);
    if (next) w.id(next);
    if (!origin && !next) {
      if (typeof parent === "string") {
        w.uint(1);
        w.text(parent);
      } else {
        w.uint(0);
        w.id(parent as Id);
      }
      if (sub !== undefined) w.text(sub);
    }
    if (typeof content === "string") {
      w.text(content.slice(offset));
    } else if (content instanceof Uint8Array) {
      w.raw(content);
    } else {
      w.uint(length);
      for (const value of content?.slice(offset) ?? []) w.raw(value);
    }
  }
}

/** Cuts a string in two. Both halves of a pair that is torn become U+FFFD, as in Yjs. */
export function cutText(s: string, n: number): [string, string] {
  return isInPair(s, n)
    ? [`${s.slice(0, n - 1)}\ufffd`, `\ufffd${s.slice(n + 1)}`]
    : [s.slice(0, n), s.slice(n)];
}

/** Whether place n of a well-formed string is between the halves of a surrogate pair. */
export const isInPair = (s: string, n: number): boolean => (s.charCodeAt(n) & 0xfc00) === 0xdc00;

/** Reads a struct and checks all that can be checked without a document. */
export function readItem(r: Reader, client: number, clock: number): Item {
  const info = r.byte();
  const kind = info & 31;
  let origin: Id | null = null;
  let next: Id | null = null;
  let parent: string | Id | undefined;
  let sub: string | undefined;
  if (kind !== GC && kind !== SKIP) {
    if (info & 128) origin = r.id();
    if (info & 64) next = r.id();
    if (!origin && !next) {
      parent = r.uint() === 1 ? r.text() : r.id();
      if (info & 32) sub = r.text();
    }
    for (const id of [origin, next, parent]) {
      if (typeof id === "object" && id?.client === client && id.clock >= clock) {
        refuse("bad_op");
      }
    }
  }
  let content: Content = null;
  let length = 1;
  const from = r.pos;
  switch (kind) {
    case GC:
    case DELETED:
    case SKIP:
      length = r.uint(MAX_CLOCK);
      break;
    case STRING:
      content = r.text();
      length = content.length;
      break;
    case JSON_VALUES:
    case ANY_VALUES:
      content = [];
      for (length = r.uint(); content.length < length; ) {
        const at = r.pos;
        if (kind === ANY_VALUES) r.any();
        else if (r.text() !== "undefined") {
          r.pos = at;
          r.json();
        }
        content.push(r.bytes.slice(at, r.pos));
      }
      break;
    case BINARY:
      r.span();
      break;
    case EMBED:
      r.json();
      break;
    case FORMAT:
      r.text();
      r.json();
      break;
    case TYPE:
      if (r.uint(6) % 2 && [3, 5].includes(r.bytes[r.pos - 1] as number)) r.text();
      break;
    case DOC:
      r.text();
      r.any();
      break;
    default:
      refuse("bad_op");
  }
  if (!length || clock + length > MAX_CLOCK) refuse("bad_op");
  content ??= kind > DELETED && kind < SKIP ? r.bytes.slice(from, r.pos) : null;
  return new Item(client, clock, length, kind, content, origin, next, parent, sub);
}
