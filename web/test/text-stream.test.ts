import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ClientOptions, FlowSyncClient, localStorageStorage, memoryStorage } from "../src/core.js";
import { pieces } from "../src/live-text.js";
import { TextReplica } from "../src/text/index.js";
import { fromBase64, toBase64 } from "../src/wire/base64.js";
import { NO_HASH } from "../src/wire/hash.js";
import { QuotaStorage } from "./quota.js";
import { FakeSocket } from "./socket.js";

const clients: FlowSyncClient[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
});

afterEach(async () => {
  for (const c of clients.splice(0)) c.destroy();
  await pass();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

function client(options: Partial<ClientOptions> = {}): FlowSyncClient {
  const c = new FlowSyncClient({
    url: "ws://hub",
    WebSocket: FakeSocket.ctor,
    storage: memoryStorage(),
    clientId: "me",
    ...options,
  });
  clients.push(c);
  return c;
}

const cursor = (off: number) => `0123456789abcdef.${off}.89abcdef.0011223344556677`;

/** The hub's side of one text stream: what it committed, as entries and as a document. */
class TextHub {
  readonly replica = new TextReplica();
  off = 0;
  private seq = 0;

  constructor(readonly stream = "text:doc") {}

  private state() {
    return { authors: {}, root: "text", update: toBase64(this.replica.encode()), v: 1 };
  }

  /** Welcomes, and answers the open with all there is. */
  accept(): void {
    const s = FakeSocket.last.welcome();
    const sub = s.of("sub").at(-1);
    s.say({
      t: "synced",
      ...(sub ? { ref: sub.ref } : {}),
      stream: this.stream,
      rule: "crdt-text",
      mode: "rw",
      outcome: "snapshot",
      cursor: cursor(this.off),
      base: this.off,
      state: this.state(),
      yours: { seq: 0, hash: NO_HASH },
    });
  }

  /** Commits an edit of somebody else and tells the client. */
  others(edit: (r: TextReplica) => { update: Uint8Array }): void {
    const { update } = edit(new TextReplica({ client: 77, update: this.replica.encode() }));
    this.replica.apply(update);
    const from = this.off++;
    const op = { op: "update", update: toBase64(update) };
    const entry = { off: this.off, client: "other", inc: "00000000000000b2", seq: ++this.seq, at: from, op };
    FakeSocket.last.say({ t: "ops", stream: this.stream, from, cursor: cursor(this.off), entries: [entry] });
  }
}

/** The ops that were pushed on the last socket, as updates. */
const pushed = () =>
  FakeSocket.last
    .of("push")
    .flatMap((p) =>
      (p.ops as { update: string }[]).map(({ update }, i) => ({ seq: Number(p.seq) + i, update })),
    );

async function online(options: Partial<ClientOptions> = {}) {
  const c = client(options);
  const s = c.stream<string>("text:doc", { initial: "" });
  const hub = new TextHub();
  let shadow = s.text.toString();
  s.text.subscribe((splices) => {
    for (const { pos, del, ins } of splices) shadow = shadow.slice(0, pos) + ins + shadow.slice(pos + del);
    expect(shadow).toBe(s.text.toString());
  });
  await pass();
  hub.accept();
  await pass();
  return { c, s, hub, shadow: () => shadow };
}

test("a text shows own edits at once and sends updates, never positions", async () => {
  const { s, hub, shadow } = await online();
  expect(s.push({ op: "insert", pos: 0, char: "h" })).toMatchObject({ ok: true });
  expect(s.text.insert(1, "ello")).toMatchObject({ ok: true });
  expect([s.get(), s.text.toString(), shadow()]).toEqual(["hello", "hello", "hello"]);
  s.text.delete(0);
  s.text.replace(0, 2, "J\r\nx\r");
  expect(s.get()).toBe("J\nx\nlo");
  expect(s.text.length).toBe(6);
  await pass();
  const mine = new TextReplica();
  for (const p of FakeSocket.last.of("push")) {
    for (const op of p.ops as { op: string; update: string }[]) {
      expect(op.op).toBe("update");
      mine.apply(fromBase64(op.update));
    }
  }
  expect(mine.toString()).toBe("J\nx\nlo");
  expect(hub.off).toBe(0);
});

test("others' edits move what is there, and anchors with it", async () => {
  const { c, s, hub, shadow } = await online();
  s.text.insert(0, "ab");
  await pass();
  const at = s.text.anchor(1);
  hub.others((r) => r.insert(0, ">> "));
  expect(["ab>> ", ">> ab"]).toContain(s.text.toString());
  expect(at && s.text.resolve(at)).toBe(s.text.toString().indexOf("b"));
  expect(shadow()).toBe(s.text.toString());
  expect(c.pendingCount).toBe(1);
});

test("what no field makes is refused, warned of once, and not sent", async () => {
  const { c, s } = await online();
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  for (const op of [
    { op: "insert", pos: -1, char: "x" },
    { op: "insert", pos: 1.5, char: "x" },
    { op: "insert", pos: 0, char: undefined },
    { op: "insert", pos: 0, text: "" },
    { op: "delete", pos: 0, count: 0 },
    { op: "replace", pos: 0, count: -1, text: "x" },
    { op: "insert", pos: 0, text: "x", more: 1 },
  ]) {
    expect(s.push(op), JSON.stringify(op)).toMatchObject({ ok: false, code: "bad_op" });
  }
  expect(s.text.insert(0, "\ud83d")).toMatchObject({ ok: false, code: "bad_text" });
  expect(warn).toHaveBeenCalledOnce();
  expect(warn.mock.calls[0]?.[0]).toContain("insert at -1");
  expect([s.get(), c.pendingCount]).toEqual(["", 0]);
  expect(s.text.insert(99, "end")).toMatchObject({ ok: true });
  expect(s.text.delete(1, 99)).toMatchObject({ ok: true });
  expect(s.get()).toBe("e");
});

test("a large insert becomes ops that a hub takes, and one step of undo", async () => {
  const { c, s } = await online();
  const large = "漢😀".repeat(20_000);
  expect(s.text.insert(0, large)).toMatchObject({ ok: true });
  expect(s.get()).toBe(large);
  expect(c.pendingCount).toBe(Math.ceil(large.length / 21_000));
  for (const op of pieces({ op: "insert", pos: 5, text: large }) as { pos: number; text: string }[]) {
    expect(new TextEncoder().encode(op.text).length).toBeLessThanOrEqual(64 << 10);
    expect(op.text).not.toMatch(/\p{Surrogate}/u);
  }
  expect(s.text.undo()).toBe(true);
  expect([s.get(), s.text.undo(), s.text.canRedo]).toEqual(["", false, true]);
  expect(s.text.redo()).toBe(true);
  expect(s.get()).toBe(large);
});

test("undo takes own edits back, whatever others did; 500 ms make a step", async () => {
  const { s, hub } = await online();
  s.text.insert(0, "one ");
  await pass(100);
  s.text.insert(4, "two");
  await pass(600);
  s.text.insert(7, " three");
  hub.others((r) => r.insert(0, "* "));
  const all = s.text.toString();
  expect(s.text.undo()).toBe(true);
  expect(s.text.toString()).toBe(all.replace(" three", ""));
  expect(s.text.undo()).toBe(true);
  expect(s.text.toString()).toBe("* ");
  expect(s.text.undo()).toBe(false);
  s.text.redo();
  s.text.redo();
  expect(s.text.toString()).toBe(all);
  expect(s.text.canRedo).toBe(false);
});

test("what waits shows again after a reload, and new edits go under a new document client", async () => {
  const area = new QuotaStorage();
  const options = { storage: localStorageStorage(area) };
  const before = client(options);
  const { text } = before.stream<string>("text:doc", { initial: "" });
  text.insert(0, "kept");
  await pass(100);
  before.destroy();
  const { s, hub } = await online(options);
  expect(s.text.toString()).toBe("kept");
  s.text.insert(4, "!");
  s.text.delete(0, 1);
  await pass();
  expect(s.text.toString()).toBe("ept!");
  const ids = new Set<number>();
  for (const { update } of pushed()) {
    for (const id of hub.replica.check(fromBase64(update))) ids.add(id);
    hub.replica.apply(fromBase64(update));
  }
  expect(hub.replica.toString()).toBe("ept!");
  expect(ids.size).toBe(2);
});

test("a refused edit is taken back, and what was typed behind it stays", async () => {
  const { c, s, hub, shadow } = await online();
  const rejected: string[] = [];
  c.on("rejected", (d) => rejected.push(d.code));
  s.text.insert(0, "good ");
  s.text.insert(5, "bad ");
  s.text.insert(7, "X"); // inside of what is refused
  s.text.insert(s.text.length, "end");
  await pass();
  const sent = pushed();
  expect(sent.length).toBe(4);
  hub.replica.apply(fromBase64(sent[0]?.update ?? ""));
  FakeSocket.last.say({ t: "reject", stream: "text:doc", seq: 2, code: "too_large", msg: "no" });
  await pass();
  expect(rejected).toEqual(["too_large"]);
  expect(s.text.toString()).toBe("good Xend");
  expect(shadow()).toBe("good Xend");
  // The next op carries what was refused as deleted content, so that it can be applied.
  const again = pushed().slice(4);
  expect(again.map((p) => p.seq)).toEqual([1, 3, 4]);
  for (const { update } of again) hub.replica.apply(fromBase64(update));
  expect(hub.replica.toString()).toBe("good Xend");
  // New edits belong to another document client, and undo still knows the old ones.
  s.text.insert(0, ">");
  await pass();
  const [last] = pushed().slice(-1);
  const ids = hub.replica.check(fromBase64(last?.update ?? ""));
  expect(hub.replica.clock(ids[0] as number)).toBe(0);
  hub.replica.apply(fromBase64(last?.update ?? ""));
  expect(s.text.undo()).toBe(true);
  expect(s.text.toString()).toBe("");
});

test("while a text is held nothing of the hub comes in; then all of it, in order", async () => {
  const { s, hub } = await online();
  const release = s.text.hold();
  hub.others((r) => r.insert(0, "a"));
  hub.others((r) => r.insert(1, "b"));
  expect(s.text.toString()).toBe("");
  s.text.insert(0, "mine");
  release();
  release();
  expect(s.text.toString()).toContain("mine");
  expect(s.text.toString().replace("mine", "")).toBe("ab");
});
