import { afterAll, afterEach, test as anyTest, beforeAll, expect } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { type ClientOptions, FlowSyncClient, localStorageStorage } from "../src/core.js";
import { bindDoc } from "../src/yjs/index.js";
import { Hub, hasGo } from "./hub.js";
import { QuotaStorage } from "./quota.js";
import { Random } from "./text/random.js";

const able = hasGo();
const test = anyTest.skipIf(!able);
let hub: Hub;
const clients: FlowSyncClient[] = [];

beforeAll(async () => {
  if (!able) return;
  hub = new Hub();
  await hub.start();
}, 180_000);

afterEach(() => {
  for (const c of clients.splice(0)) c.destroy();
});

afterAll(() => hub?.close());

function client(options: Partial<ClientOptions> = {}): FlowSyncClient {
  const c = new FlowSyncClient({
    url: hub.url,
    WebSocket: WebSocket as unknown as NonNullable<ClientOptions["WebSocket"]>,
    ...options,
  });
  clients.push(c);
  return c;
}

/** Waits until a condition holds. */
async function until(what: string, holds: () => unknown): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`waited in vain: ${what}`);
}

test("two clients converge on every rule, and with the hub", async () => {
  const a = client();
  const b = client();
  const ops: { [stream: string]: [object[], object[]] } = {
    "counter:all": [[{ op: "increment", amount: 5 }], [{ op: "decrement" }]],
    "set:all": [
      [
        { op: "add", value: "x" },
        { op: "add", value: "é😀" },
      ],
      [
        { op: "add", value: "y" },
        { op: "remove", value: "y" },
      ],
    ],
    "2pset:all": [
      [{ op: "add", value: "x" }],
      [
        { op: "add", value: "z" },
        { op: "remove", value: "z" },
      ],
    ],
    "map:all": [
      [{ op: "set", key: "k", value: { deep: [1, 2] } }],
      [
        { op: "set", key: "__proto__", value: 1 },
        { op: "delete", key: "k" },
      ],
    ],
    "lww:all": [[{ op: "set", value: "a" }], [{ op: "set", value: "b" }]],
    "chat:all": [[{ op: "append", value: 1 }], [{ op: "append", value: [null] }]],
  };
  for (const [name, [first, second]] of Object.entries(ops)) {
    const sa = a.stream(name);
    const sb = b.stream(name);
    for (const op of first) expect(sa.push(op)).toMatchObject({ ok: true });
    for (const op of second) expect(sb.push(op)).toMatchObject({ ok: true });
  }
  await a.flush();
  await b.flush();
  for (const name of Object.keys(ops)) {
    const { value, digest } = await hub.get(name);
    await until(
      `${name} converged`,
      () => a.stream(name).digest() === digest && b.stream(name).digest() === digest,
    );
    expect(a.stream(name).get(), name).toEqual(value);
    expect(b.stream(name).get(), name).toEqual(value);
    expect(a.stream(name).cursor(), name).toMatch(/^[0-9a-f]{16}\.\d+\.[0-9a-f]{8}\.[0-9a-f]{16}$/);
    expect(b.stream(name).cursor(), name).toBe(a.stream(name).cursor());
  }
  expect(a.pendingCount + b.pendingCount).toBe(0);
});

test.each([1, 2, 3])(
  "texts: two type at once, offline and back, and are equal with the hub: seed %i",
  async (seed) => {
    const r = new Random(seed);
    const name = `text:typed-${seed}`;
    const both = [client(), client()];
    const texts = both.map((c) => c.stream<string>(name, { initial: "" }).text);
    const shadows = texts.map((text, i) => {
      const shadow = { value: text.toString() };
      text.subscribe((splices) => {
        for (const { pos, del, ins } of splices)
          shadow.value = shadow.value.slice(0, pos) + ins + shadow.value.slice(pos + del);
        expect(shadow.value, `client ${i}`).toBe(text.toString());
      });
      return shadow;
    });
    for (let step = 0; step < 300; step++) {
      const i = r.below(2);
      const text = texts[i] as (typeof texts)[0];
      const pos = r.below(text.length + 1);
      const pushed = r.chance(30)
        ? text.replace(pos, Math.min(1 + r.below(4), text.length - pos), r.text())
        : r.chance(10)
          ? { ok: text.undo() || true }
          : text.insert(pos, r.text());
      expect(pushed.ok).toBe(true);
      if (r.chance(4)) both[i]?.simulateOffline(r.chance(50));
      if (r.chance(10)) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for (const c of both) c.simulateOffline(false);
    for (const c of both) await c.flush();
    const { value, digest } = await hub.get(name);
    await until("equal", () => both.every((c) => c.stream(name).digest() === digest));
    expect(texts.map(String)).toEqual([value, value]);
    expect(shadows.map((s) => s.value)).toEqual([value, value]);
    expect(both.map((c) => c.deadLetters().length)).toEqual([0, 0]);
  },
);

test("a Y.Doc and a text handle on one stream see each other's edits", async () => {
  const doc = new Y.Doc();
  const binding = bindDoc(doc, client().stream("text:yjs"));
  const { text } = client().stream<string>("text:yjs", { initial: "" });
  text.subscribe(() => {});
  doc.getText("text").insert(0, "from yjs");
  await until("bound", () => binding.status === "bound" && text.toString() === "from yjs");
  doc.getText("text").insertEmbed(4, { image: "a.png" });
  await until("embed", () => text.length === 9);
  expect(text.toString()).toBe("from\ufffc yjs");
  text.insert(9, ", and back");
  text.delete(0, 1);
  await until("there", () => doc.getText("text").toString() === "rom yjs, and back");
  expect((await hub.get("text:yjs")).value).toBe("rom yjs, and back");
  binding.destroy();
});

test("a counter beyond 2^53 is shown as a string, exactly", async () => {
  const s = client().stream("counter:large", { initial: 0 });
  for (let i = 0; i < 3; i++) s.push({ op: "increment", amount: Number.MAX_SAFE_INTEGER });
  expect(s.get()).toBe("27021597764222973");
  await client().stream("counter:large").push({ op: "increment" }).ok;
  await until("both", () => String(s.get()) === "27021597764222974");
  expect((await hub.get("counter:large")).value).toBe("27021597764222974");
});

test("offline edits show at once, wait, and converge when the network is back", async () => {
  const a = client();
  const b = client();
  const sa = a.stream<number>("counter:offline", { initial: 0, rule: "crdt-counter" });
  const sb = b.stream<number>("counter:offline", { initial: 0, rule: "crdt-counter" });
  sa.subscribe(() => {});
  sb.subscribe(() => {});
  await until("online", () => a.status === "online" && b.status === "online");
  a.simulateOffline(true);
  expect(a.status).toBe("offline");
  const first = sa.push({ op: "increment", amount: 2 });
  sb.push({ op: "increment", amount: 40 });
  expect(sa.get()).toBe(2);
  expect(a.pendingCount).toBe(1);
  await b.flush();
  expect(sa.get()).toBe(2);
  a.simulateOffline(false);
  await until("42 on both", () => sa.get() === 42 && sb.get() === 42);
  expect(first.ok && (await first.settled)).toEqual({ ok: true });
  expect(sa.digest()).toBe(sb.digest());
  expect(a.pendingCount).toBe(0);
});

test("a hub that is killed loses nothing, and is found again", async () => {
  const a = client({ reconnect: { minMs: 20, maxMs: 200 } });
  const s = a.stream<number[]>("log:killed", { rule: "append-log" });
  for (let i = 0; i < 50; i++) s.push({ op: "append", value: i });
  await a.flush();
  await hub.kill();
  await until("noticed", () => a.status !== "online");
  for (let i = 50; i < 100; i++) s.push({ op: "append", value: i });
  expect(s.get().length).toBe(100);
  await hub.start();
  await a.flush();
  expect((await hub.get("log:killed")).value).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test("10,000 ops queued offline drain, each once", async () => {
  const a = client();
  const s = a.stream<number>("counter:drain", { rule: "crdt-counter" });
  a.simulateOffline(true);
  const took: number[] = [];
  for (let i = 0; i < 10_000; i++) {
    const since = performance.now();
    s.push({ op: "increment" });
    took.push(performance.now() - since);
  }
  expect(took.sort((x, y) => x - y)[5000]).toBeLessThan(1);
  expect(a.pendingCount).toBe(10_000);
  const since = performance.now();
  a.simulateOffline(false);
  await a.flush();
  console.log(`drained 10,000 ops in ${Math.round(performance.now() - since)} ms`);
  expect((await hub.get("counter:drain")).value).toBe(10_000);
}, 30_000);

test("what was queued offline survives a reload, and is committed once", async () => {
  const area = new QuotaStorage();
  const options = { storage: localStorageStorage(area), clientId: "reloaded" };
  const before = client(options);
  before.simulateOffline(true);
  const s = before.stream<string[]>("chat:reload", { rule: "append-log", initial: [] });
  s.push({ op: "append", value: "one" });
  s.push({ op: "append", value: "two" });
  await until("stored", () => area.keys().some((k) => k.includes(":q:chat:reload:")));
  before.destroy();
  const after = client(options);
  after.simulateOffline(true);
  expect(after.stream("chat:reload").get()).toEqual(["one", "two"]);
  expect(after.pendingCount).toBe(2);
  after.stream("chat:reload").push({ op: "append", value: "three" });
  after.simulateOffline(false);
  await after.flush();
  expect((await hub.get("chat:reload")).value).toEqual(["one", "two", "three"]);
  await until("kept", () => area.keys().some((k) => k.includes(":snap:")));
  after.destroy();
  const cold = client(options);
  cold.simulateOffline(true);
  expect(cold.stream("chat:reload").get()).toEqual(["one", "two", "three"]);
});

test("a queue that a dead tab left is brought in by another, as the client that made it", async () => {
  const area = new QuotaStorage();
  const storage = localStorageStorage(area);
  const dead = client({ storage, clientId: "dead-tab" });
  dead.simulateOffline(true);
  dead.stream("set:adopted").push({ op: "add", value: "left behind" });
  await until("stored", () => area.keys().some((k) => k.includes(":q:")));
  dead.destroy();
  const own = new QuotaStorage(); // another tab, whose sessionStorage names it
  const stub = {
    getItem: (k: string) => own.getItem(k),
    setItem: (k: string, v: string) => own.setItem(k, v),
  };
  own.setItem("flowsync:default:", "tab-other");
  Object.assign(globalThis, { sessionStorage: stub });
  try {
    const living = client({ storage });
    const s = living.stream<string[]>("set:adopted", { initial: [] });
    s.subscribe(() => {});
    await until("adopted", () => s.get().includes("left behind"));
    expect(living.clientId).toBe("tab-other");
    const { entries } = await s.history();
    expect(entries.map((e) => e.client)).toEqual(["dead-tab"]);
    await until("cleared", () => !area.keys().some((k) => k.startsWith("flowsync:default:dead-tab:")));
  } finally {
    Reflect.deleteProperty(globalThis, "sessionStorage");
  }
});

test("what the hub refuses is taken back, named and kept", async () => {
  const a = client();
  const b = client();
  const sa = a.stream<string[]>("2pset:refused", { initial: [], rule: "crdt-set" });
  const sb = b.stream<string[]>("2pset:refused", { initial: [], rule: "crdt-set" });
  sa.push({ op: "add", value: "x" });
  await a.flush();
  sb.subscribe(() => {});
  await until("seen", () => sb.get().length === 1);
  b.simulateOffline(true);
  sa.push({ op: "remove", value: "x" });
  await a.flush();
  const rejected: string[] = [];
  b.on("rejected", (d) => rejected.push(d.code));
  sb.push({ op: "remove", value: "y" });
  const again = sb.push({ op: "add", value: "x" });
  b.simulateOffline(false);
  // Adding what is there is fine here; the hub knows that it was removed for ever.
  expect(again.ok && (await again.settled)).toMatchObject({ ok: false, code: "removed_forever" });
  expect(rejected).toEqual(["removed_forever"]);
  expect(sb.get()).toEqual([]);
  expect(b.deadLetters().length).toBe(1);
  for (const d of b.deadLetters()) b.discard(d);
  expect(b.deadLetters().length).toBe(0);
  // At once, too, where this client knows it already.
  expect(sb.push({ op: "add", value: "x" })).toMatchObject({ ok: false, code: "removed_forever" });
});

test("presence, events, history and ephemeral keys", async () => {
  const a = client();
  const b = client();
  const sa = a.stream("chat:social");
  const sb = b.stream("chat:social");
  const heard: unknown[] = [];
  sb.onEvent((e) => heard.push(e));
  sa.presence.set({ name: "Ada" });
  await until("peer", () => sb.presence.peers().length === 1);
  expect(sb.presence.peers()[0]).toMatchObject({ client: a.clientId, state: { name: "Ada" } });
  sa.emit("typing", { on: true });
  await until("heard", () => heard.length);
  expect(heard).toEqual([{ client: a.clientId, event: "typing", data: { on: true } }]);
  for (const n of [1, 2, 3]) sa.push({ op: "append", value: n });
  await a.flush();
  const page = await sb.history({ limit: 2 });
  expect(page.entries.map((e) => e.op)).toEqual([
    { op: "append", value: 2 },
    { op: "append", value: 3 },
  ]);
  expect(page.more).toBe(true);

  const ca = a.stream<{ [key: string]: unknown }>("cursor:room", { rule: "ephemeral", initial: {} });
  const cb = b.stream<{ [key: string]: unknown }>("cursor:room", { rule: "ephemeral", initial: {} });
  cb.subscribe(() => {});
  ca.push({ op: "set", key: "ada", value: { x: 1 } });
  expect(ca.get()).toEqual({ ada: { x: 1 } });
  await until("cursor", () => JSON.stringify(cb.get()) === '{"ada":{"x":1}}');
  a.destroy();
  await until("gone", () => JSON.stringify(cb.get()) === "{}" && sb.presence.peers().length === 0);
});

test("1,000 ops from elsewhere call back a few times, not a thousand", async () => {
  const a = client();
  const b = client();
  const sb = b.stream<number>("counter:burst", { initial: 0 });
  let calls = 0;
  sb.subscribe(() => calls++);
  await until("online", () => b.status === "online");
  calls = 0;
  const sa = a.stream("counter:burst");
  for (let i = 0; i < 1000; i++) sa.push({ op: "increment" });
  await until("all", () => sb.get() === 1000);
  expect(calls).toBeLessThan(50);
});
