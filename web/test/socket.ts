import type { ClientOptions } from "../src/core.js";

type Line = { t: string; [field: string]: unknown };

/** A socket that a test plays the hub on. All that were made are in `all`. */
export class FakeSocket {
  static all: FakeSocket[] = [];
  static readonly ctor = FakeSocket as unknown as NonNullable<ClientOptions["WebSocket"]>;

  static get last(): FakeSocket {
    return FakeSocket.all.at(-1) as FakeSocket;
  }

  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((e: { data: unknown }) => void) | null = null;
  onclose: ((e: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly sent: Line[] = [];
  closedWith: number | undefined;

  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }

  send(data: string): void {
    for (const line of data.split("\n")) this.sent.push(JSON.parse(line));
  }

  close(code = 1000): void {
    this.readyState = 3;
    this.closedWith = code;
  }

  /** The hub accepts, and welcomes. */
  welcome(): this {
    this.readyState = 1;
    this.onopen?.();
    return this.say({
      t: "welcome",
      v: 1,
      session: 1,
      hub: "h",
      durability: "disk",
      writable: true,
      limits: { batch_ops: 1000, inflight_ops: 1024, message_bytes: 10485760, streams: 256 },
    });
  }

  say(...lines: object[]): this {
    this.onmessage?.({ data: lines.map((l) => JSON.stringify(l)).join("\n") });
    return this;
  }

  /** Answers every open of hello and sub with an empty counter. */
  synced(stream: string, state = { base: ["0", "0"], dec: {}, inc: {}, v: 1 }): this {
    const sub = this.sent.filter((l) => l.t === "sub" && l.stream === stream).at(-1);
    return this.say({
      t: "synced",
      ...(sub ? { ref: sub.ref } : {}),
      stream,
      rule: "crdt-counter",
      mode: "rw",
      outcome: "snapshot",
      cursor: "0123456789abcdef.0.89abcdef.0011223344556677",
      base: 0,
      state,
      yours: { seq: 0, hash: "0000000000000000" },
    });
  }

  /** The socket ends with a close code. */
  end(code: number, reason = ""): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  of(type: string): Line[] {
    return this.sent.filter((l) => l.t === type);
  }
}

/** A token for a subject, as far as a client reads it. */
export function tokenFor(sub: string): string {
  const part = (v: object) => Buffer.from(JSON.stringify(v)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ sub })}.x`;
}
