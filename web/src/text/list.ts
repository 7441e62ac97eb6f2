import type { Item } from "./item.js";

/** How many items a block holds at most. */
const BLOCK = 128;

/** Neighbouring items of a list, counted together so that positions are found fast. */
export class Block {
  head: Item | null = null;
  count = 0;
  size = 0; // positions
  next: Block | null = null;
}

/**
 * Items in their order: the sequence of a shared type, or the values that one of
 * its keys ever had, of which the last one counts. A place is found in O(√n):
 * along the blocks, then along the items of one.
 */
export class List {
  first: Item | null = null;
  last: Item | null = null;
  size = 0; // positions
  private readonly blocks = new Block(); // always holds first

  constructor(
    readonly owner: Shared,
    readonly sub?: string,
  ) {}

  /** Puts an item behind left, or at the beginning. */
  link(left: Item | null, item: Item): void {
    const right = left ? left.right : this.first;
    item.left = left;
    item.right = right;
    item.list = this;
    if (left) left.right = item;
    else this.first = item;
    if (right) right.left = item;
    else this.last = item;
    const block = left?.block ?? this.blocks;
    if (!left) block.head = item;
    item.block = block;
    this.resize(item, item.visible);
    if (++block.count > BLOCK) halve(block);
  }

  /** Takes out an item that is not the first. */
  unlink(item: Item): void {
    const { left, right, block } = item as { left: Item; right: Item | null; block: Block };
    left.right = right;
    if (right) right.left = left;
    else this.last = left;
    this.resize(item, -item.visible);
    if (--block.count === 0) block.head = null;
    else if (block.head === item) block.head = right;
  }

  resize(item: Item, by: number): void {
    (item.block as Block).size += by;
    this.size += by;
  }

  /** The item with the unit before a position from 1 to size, and how far into it the position is. */
  seek(pos: number): { item: Item; offset: number } {
    let block = this.blocks;
    while (pos > block.size && block.next) {
      pos -= block.size;
      while (block.next.next && !block.next.count) block.next = block.next.next;
      block = block.next;
    }
    let item = block.head as Item;
    for (; pos > item.visible; item = item.right as Item) pos -= item.visible;
    return { item, offset: pos };
  }

  /** The position at which an item begins. */
  rank(item: Item): number {
    let pos = 0;
    for (let i = item.block?.head as Item; i !== item; i = i.right as Item) pos += i.visible;
    for (let b = this.blocks; b !== item.block; b = b.next as Block) pos += b.size;
    return pos;
  }
}

function halve(block: Block): void {
  const rest = new Block();
  let item = block.head as Item;
  for (let i = 0; i < BLOCK / 2; i++) item = item.right as Item;
  rest.head = item;
  rest.count = block.count - BLOCK / 2;
  rest.next = block.next;
  block.next = rest;
  block.count = BLOCK / 2;
  for (let i = 0; i < rest.count; i++, item = item.right as Item) {
    item.block = rest;
    rest.size += item.visible;
  }
  block.size -= rest.size;
}

/** A shared type, such as a Y.Text or a Y.Map: a root, or what an item holds. */
export class Shared {
  readonly lists = new Map<string | undefined, List>();

  constructor(
    readonly item: Item | null,
    readonly depth: number,
  ) {}

  /** The values of a key, or without one the sequence. */
  list(sub?: string): List {
    const list = this.lists.get(sub) ?? new List(this, sub);
    this.lists.set(sub, list);
    return list;
  }
}
