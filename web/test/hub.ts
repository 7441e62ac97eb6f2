import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = new URL("../..", import.meta.url).pathname;

/** Whether there is a Go compiler to build the hub with. A run in CI must have one. */
export function hasGo(): boolean {
  if (process.env.CI || !spawnSync("go", ["version"]).error) return true;
  console.log("SKIP the tests on the real hub: there is no Go compiler on the path");
  return false;
}

/** The real hub, built from this tree. */
export class Hub {
  readonly dir = mkdtempSync(join(tmpdir(), "flowsync-web-"));
  private child: ChildProcess | undefined;
  private readonly bin = join(this.dir, "flowsync");
  url = "";

  /** @param flags of `flowsync serve`, beside its own */
  constructor(private readonly flags: string[] = []) {
    execFileSync("go", ["build", "-o", this.bin, "./cmd/flowsync"], { cwd: root, stdio: "inherit" });
  }

  /** Starts it on any free port, or on that of the last time. */
  async start(): Promise<void> {
    const addr = this.url ? new URL(this.url).host : "127.0.0.1:0";
    const args = ["serve", "--data", join(this.dir, "hub.db"), "--addr", addr, "--json", ...this.flags];
    const child = spawn(this.bin, args, { stdio: ["ignore", "pipe", "ignore"] });
    this.child = child;
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    const ready = await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      child.once("exit", (code) => reject(new Error(`the hub ended with ${code}`)));
    });
    this.url = (JSON.parse(ready) as { urls: { websocket: string } }).urls.websocket;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (!child) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  /** The value of a stream, as the hub's HTTP API has it, and its digest. */
  async get(stream: string): Promise<{ value: unknown; digest: string | null }> {
    const answer = await fetch(`${this.url.replace(/^ws/, "http")}/streams/${stream}`);
    return { value: await answer.json(), digest: answer.headers.get("Flowsync-Digest") };
  }

  async close(): Promise<void> {
    await this.kill("SIGTERM");
    rmSync(this.dir, { recursive: true, force: true });
  }
}
