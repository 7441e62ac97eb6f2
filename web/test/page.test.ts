import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ClientOptions, FlowSyncClient, localStorageStorage, type QueueStorage } from "../src/core.js";
import { QuotaStorage } from "./quota.js";
import { FakeSocket } from "./socket.js";

const clients: FlowSyncClient[] = [];
let page: EventTarget;
const look = { visibilityState: "visible" };

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  page = new EventTarget();
  look.visibilityState = "visible";
  vi.stubGlobal("document", look);
  for (const name of ["addEventListener", "removeEventListener"] as const) {
    vi.stubGlobal(name, page[name].bind(page));
  }
});

afterEach(() => {
  for (const c of clients.splice(0)) c.destroy();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function client(options: Partial<ClientOptions> = {}): FlowSyncClient {
  const c = new FlowSyncClient({ url: "ws://hub", WebSocket: FakeSocket.ctor, ...options });
  clients.push(c);
  return c;
}

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

test.each(["online", "pageshow", "visibilitychange"])(
  "%s makes a waiting client try at once",
  async (event) => {
    const c = client({
      reconnect: { minMs: 1e9, maxMs: 1e9 },
      storage: localStorageStorage(new QuotaStorage()),
    });
    c.connect();
    await pass();
    FakeSocket.last.end(1006);
    await pass(1000);
    expect(c.status).toBe("offline");
    expect(FakeSocket.all.length).toBe(1);
    page.dispatchEvent(new Event(event));
    await pass();
    expect(FakeSocket.all.length).toBe(2);
  },
);

test("a hidden page waits longer, and is not woken by being hidden", async () => {
  const c = client({ storage: localStorageStorage(new QuotaStorage()) });
  c.connect();
  await pass();
  look.visibilityState = "hidden";
  page.dispatchEvent(new Event("visibilitychange"));
  vi.stubGlobal("crypto", { getRandomValues: (a: Uint32Array) => a.fill(0xffffffff) }); // the longest jitter
  for (let i = 0; i < 8; i++) {
    FakeSocket.last.end(1006);
    await pass(30_000);
  }
  const before = FakeSocket.all.length;
  FakeSocket.last.end(1006);
  await pass(29_000);
  expect(FakeSocket.all.length).toBe(before);
  await pass(1000);
  expect(FakeSocket.all.length).toBe(before + 1);
});

test("what was pushed is stored when the page is left, not 50 ms later", async () => {
  const area = new QuotaStorage();
  const c = client({ storage: localStorageStorage(area) });
  c.connect();
  await pass(); // the id is settled, the hub was not reached
  c.stream("n", { rule: "crdt-counter" }).push({ op: "increment" });
  page.dispatchEvent(new Event("pagehide"));
  expect(area.keys().some((k) => k.includes(":q:n:"))).toBe(true);
});

test("leaving asks first only where ops would be lost", async () => {
  const asks = () => {
    const leave = new Event("beforeunload", { cancelable: true });
    page.dispatchEvent(leave);
    return leave.defaultPrevented;
  };
  const kept = client({ storage: localStorageStorage(new QuotaStorage()) });
  kept.stream("n", { rule: "crdt-counter" }).push({ op: "increment" });
  await pass(100);
  expect(asks()).toBe(false);
  kept.destroy();
  const full = client({ storage: localStorageStorage(new QuotaStorage(10)) });
  full.connect();
  await pass();
  expect(asks()).toBe(false);
  full.stream("n", { rule: "crdt-counter" }).push({ op: "increment" });
  await pass(100);
  expect(full.storage).toBe("degraded");
  expect(asks()).toBe(true);
});

/** A storage that answers when it is told to. */
function slow() {
  const area = localStorageStorage(new QuotaStorage());
  const waiting: (() => void)[] = [];
  const storage: QueueStorage = {
    load: async (prefix) => area.load(prefix),
    write: (changes) =>
      new Promise((resolve) => {
        waiting.push(() => resolve(area.write(changes)));
      }),
  };
  return { storage, waiting };
}

test("with a storage that takes time, nothing is sent before it is durable", async () => {
  const { storage, waiting } = slow();
  const c = client({ storage });
  const s = c.stream<number>("n", { rule: "crdt-counter", initial: 0 });
  s.subscribe(() => {});
  const settle = async () => {
    while (waiting.length) {
      waiting.shift()?.();
      await pass();
    }
  };
  await pass();
  await settle(); // the sign of life of a page without locks
  FakeSocket.last.welcome();
  await pass();
  FakeSocket.last.synced("n");
  await pass();
  await settle();
  s.push({ op: "increment" });
  s.push({ op: "increment" });
  await pass();
  expect(s.get()).toBe(2);
  expect(waiting.length).toBe(1);
  expect(FakeSocket.last.of("push").length).toBe(0);
  await settle();
  expect(FakeSocket.last.of("push").map((p) => p.seq)).toEqual([1]);
  // What follows while a write is on its way waits for its own.
  s.push({ op: "increment" });
  await pass();
  s.push({ op: "increment" });
  await pass();
  expect(waiting.length).toBe(2);
  waiting.shift()?.();
  await pass();
  expect(FakeSocket.last.of("push").map((p) => p.seq)).toEqual([1, 3]);
  await settle();
  expect(FakeSocket.last.of("push").map((p) => p.seq)).toEqual([1, 3, 4]);
});
