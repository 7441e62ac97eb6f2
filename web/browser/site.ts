import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

const dist = new URL("../dist/", import.meta.url);

/** A page that loads the built client as it is, without a bundler. */
const page = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>FlowSync</title>
<script type="module">
  import * as core from "/dist/core.js";
  import { indexedDBStorage } from "/dist/indexeddb.js";
  Object.assign(window, { FlowSync: { ...core, indexedDBStorage } });
  document.title = "ready";
</script>
`;

/** Serves the page and the built client on a free port. */
export class Site {
  private readonly server: Server;

  constructor() {
    this.server = createServer(async (request, response) => {
      const path = request.url?.split("?")[0] ?? "/";
      if (path === "/") {
        response.setHeader("Content-Type", "text/html");
        response.end(page);
        return;
      }
      try {
        const body = await readFile(new URL(path.replace(/^\/dist\//, ""), dist));
        response.setHeader("Content-Type", path.endsWith(".js") ? "text/javascript" : "application/json");
        response.end(body);
      } catch {
        response.statusCode = 404;
        response.end();
      }
    });
  }

  start(): Promise<void> {
    return new Promise((done) => this.server.listen(0, "127.0.0.1", done));
  }

  /** The address of the page under a host name. */
  url(host = "127.0.0.1"): string {
    return `http://${host}:${(this.server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
