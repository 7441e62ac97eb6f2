import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy that can stop to carry anything, while both ends stay connected. */
export class TcpProxy {
  private readonly pairs = new Set<[Socket, Socket]>();
  private readonly server;

  constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.server = createServer((near) => {
      near.on("error", () => {});
      const far = connect(Number(port), hostname);
      far.on("error", () => {});
      const pair: [Socket, Socket] = [near, far];
      this.pairs.add(pair);
      near.pipe(far).pipe(near);
      near.on("close", () => {
        this.pairs.delete(pair);
        far.destroy();
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** How many connections are carried. */
  get live(): number {
    return this.pairs.size;
  }

  /** Stops to carry the connections that there are; new ones work. */
  swallow(): void {
    for (const [near, far] of this.pairs) {
      near.unpipe(far);
      far.unpipe(near);
      near.pause();
      far.pause();
    }
  }

  close(): void {
    this.server.close();
    for (const pair of this.pairs) for (const socket of pair) socket.destroy();
  }
}
