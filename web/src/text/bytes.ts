import { FlowSyncError } from "../wire/error.js";
import { utf8 } from "../wire/hash.js";
import { refuse } from "./error.js";

/** The greatest clock or length of an update. */
export const MAX_CLOCK = 2 ** 32 - 1;

/** How deeply values nest, and shared types within each other. */
export const MAX_DEPTH = 256;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Names one unit of content: the clock counts what its client ever inserted. */
export interface Id {
  readonly client: number;
  readonly clock: number;
}

/** Reads the primitives of format v1, and throws a {@link FlowSyncError} where the input is none. */
export class Reader {
  pos = 0;

  constructor(readonly bytes: Uint8Array) {}

  byte(): number {
    const b = this.bytes[this.pos++];
    if (b === undefined) refuse("bad_op");
    return b;
  }

  /** Little-endian groups of 7 bits. */
  uint(max = Number.MAX_SAFE_INTEGER): number {
    let n = 0;
    for (let scale = 1; ; scale *= 128) {
      const b = this.byte();
      n += (b & 127) * scale;
      if (!(n <= max)) refuse("bad_op");
      if (b < 128) return n;
    }
  }

  id(): Id {
    return { client: this.uint(), clock: this.uint(MAX_CLOCK) };
  }

  span(length = this.uint()): Uint8Array {
    const from = this.pos;
    if (length > this.bytes.length - from) refuse("bad_op");
    this.pos += length;
    return this.bytes.subarray(from, this.pos);
  }

  text(): string {
    const span = this.span();
    try {
      return decoder.decode(span);
    } catch {
      refuse("bad_text");
    }
  }

  json(): unknown {
    try {
      return JSON.parse(this.text());
    } catch (e) {
      if (e instanceof FlowSyncError) throw e;
      refuse("bad_op");
    }
  }

  /** A value as lib0 writes it: JSON, and undefined, bytes and 64-bit integers. */
  any(depth = MAX_DEPTH): unknown {
    if (depth < 0) refuse("too_large");
    const view = (n: number) => {
      const s = this.span(n);
      return new DataView(s.buffer, s.byteOffset);
    };
    switch (this.byte()) {
      case 127:
        return undefined;
      case 126:
        return null;
      case 125: {
        const b = this.byte();
        const n = (b & 63) + (b > 127 ? this.uint(2 ** 47 - 1) * 64 : 0);
        return b & 64 ? -n : n;
      }
      case 124:
        return view(4).getFloat32(0);
      case 123:
        return view(8).getFloat64(0);
      case 122:
        return view(8).getBigInt64(0);
      case 121:
        return false;
      case 120:
        return true;
      case 119:
        return this.text();
      case 118: {
        const object = Object.create(null);
        for (let n = this.uint(); n > 0; n--) object[this.text()] = this.any(depth - 1);
        return object;
      }
      case 117: {
        const list = [];
        for (let n = this.uint(); n > 0; n--) list.push(this.any(depth - 1));
        return list;
      }
      case 116:
        return this.span();
    }
    refuse("bad_op");
  }
}

/** Writes the primitives of format v1. */
export class Writer {
  private readonly out: number[] = [];

  byte(b: number): void {
    this.out.push(b);
  }

  uint(n: number): void {
    for (; n > 127; n = Math.floor(n / 128)) this.byte((n % 128) | 128);
    this.byte(n);
  }

  id(id: Id): void {
    this.uint(id.client);
    this.uint(id.clock);
  }

  raw(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) this.byte(bytes[i] as number);
  }

  text(s: string): void {
    const bytes = utf8(s);
    this.uint(bytes.length);
    this.raw(bytes);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.out);
  }
}
