import { existsSync } from "node:fs";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { afterAll, afterEach, test as anyTest, beforeAll, expect } from "vitest";
import type * as core from "../src/core.js";
import type { indexedDBStorage } from "../src/indexeddb.js";
import { Hub, hasGo } from "../test/hub.js";
import { Site } from "./site.js";

declare global {
  interface Window {
    /** What the page loaded from dist. */
    FlowSync: typeof core & { indexedDBStorage: typeof indexedDBStorage };
    /** The client under test. */
    client: core.FlowSyncClient;
  }
}

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Chromium without its own calls home; lan.test is this machine under a name that is no secure context. */
export const launchOptions = {
  executablePath,
  headless: true,
  args: [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP lan.test 127.0.0.1",
  ],
};

/** Why the tests cannot run here; empty if they can. */
function missing(): string {
  if (!existsSync(executablePath)) return `there is no ${executablePath} (CHROMIUM names another)`;
  if (!existsSync(new URL("../dist/core.js", import.meta.url))) return "web/dist is missing: npm run build";
  return "";
}

const why = missing();
if (why && process.env.CI) throw new Error(`the browser tests cannot run: ${why}`);
if (why) console.log(`SKIP the browser tests: ${why}`);
const able = !why && hasGo();

export const test = anyTest.skipIf(!able);

/** What one file of tests shares: a hub, a site, a browser. */
export class World {
  hub!: Hub;
  readonly site = new Site();
  browser!: Browser;
  private readonly contexts: BrowserContext[] = [];
  private noise: string[] = [];
  /** What the console of a page may say in the present test. */
  private allowed: RegExp[] = [];

  constructor() {
    beforeAll(async () => {
      if (!able) return;
      this.hub = new Hub(["--origin", "*"]);
      await this.hub.start();
      await this.site.start();
      this.browser = await chromium.launch(launchOptions);
    });
    afterEach(async () => {
      for (const c of this.contexts.splice(0)) await c.close();
      const noise = this.noise.filter((line) => !this.allowed.some((a) => a.test(line)));
      this.noise = [];
      this.allowed = [];
      expect(noise, "what pages wrote to the console").toEqual([]);
    });
    afterAll(async () => {
      await this.browser?.close();
      this.site.close();
      await this.hub?.close();
    });
  }

  /** Lets the console say something: browsers log every socket that fails. */
  allow(line: RegExp): void {
    this.allowed.push(line);
  }

  /** A user: storage of their own. Pages of one context are tabs of one browser. */
  async context(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const c = await this.browser.newContext(options);
    this.contexts.push(c);
    return c;
  }

  /** Opens a tab. */
  async tab(context: BrowserContext, url = this.site.url()): Promise<Page> {
    const page = await context.newPage();
    this.listen(page);
    await page.goto(url);
    await page.waitForFunction(() => document.title === "ready");
    return page;
  }

  /** Takes down what a page complains about. */
  listen(page: Page): void {
    page.on("console", (m) => {
      if (m.type() === "error" || m.type() === "warning") this.noise.push(m.text());
    });
    page.on("pageerror", (e) => this.noise.push(e.stack ?? e.message));
  }
}

/** What a tab's client is made with, beside the hub. */
export type Making = {
  url: string;
  offline?: boolean;
  storage?: "indexeddb";
  pingIntervalMs?: number;
  pongTimeoutMs?: number;
};

/** Makes the client of a tab, with quick reconnects. */
export function makeClient(page: Page, making: Making): Promise<void> {
  return page.evaluate(({ offline, storage, ...options }) => {
    const { FlowSyncClient, indexedDBStorage } = window.FlowSync;
    window.client = new FlowSyncClient({
      ...options,
      ...(storage && { storage: indexedDBStorage() }),
      reconnect: { minMs: 20, maxMs: 300 },
    });
    if (offline) window.client.simulateOffline(true);
    window.client.connect();
  }, making);
}

/** Pushes an op and says whether it was taken. */
export function push(page: Page, stream: string, op: object): Promise<boolean> {
  return page.evaluate(([name, o]) => window.client.stream(name).push(o).ok, [stream, op] as const);
}

/** What a tab shows of a stream. */
export function shown(page: Page, stream: string): Promise<unknown> {
  return page.evaluate((name) => {
    const s = window.client.stream(name);
    s.subscribe(() => {}); // connects, and keeps the stream open
    return s.get() ?? null;
  }, stream);
}

/** Waits until a tab shows a value. */
export async function shows(page: Page, stream: string, value: unknown): Promise<void> {
  await expect.poll(() => shown(page, stream), { timeout: 15_000, interval: 20 }).toEqual(value);
}

/** Waits until the hub has a value, and the tabs the digest that it has. */
export async function converged(hub: Hub, stream: string, value: unknown, ...pages: Page[]): Promise<void> {
  await expect
    .poll(async () => (await hub.get(stream)).value, { timeout: 15_000, interval: 20 })
    .toEqual(value);
  for (const page of pages) {
    await shows(page, stream, value);
    const own = () => page.evaluate((name) => window.client.stream(name).digest(), stream);
    const { digest } = await hub.get(stream);
    await expect.poll(own, { timeout: 15_000, interval: 20 }).toBe(digest);
  }
}

/** Waits until a tab's client has a status. */
export async function status(page: Page, wanted: string): Promise<void> {
  await expect
    .poll(() => page.evaluate(() => window.client.status), { timeout: 15_000, interval: 20 })
    .toBe(wanted);
}

/** Waits until ops are in the storage of a tab. */
export async function stored(page: Page, stream: string): Promise<void> {
  const kept = (name: string) => Object.keys(localStorage).some((k) => k.includes(`:q:${name}:`));
  await page.waitForFunction(kept, stream);
}

export const clientId = (page: Page): Promise<string> => page.evaluate(() => window.client.clientId);
