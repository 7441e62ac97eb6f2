import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** How many changes a file may hold beyond what they leave, before it is written anew. */
const SLACK = 10_000;

const VERSION = 1;

/**
 * Keeps a client's queue in one file: a line that says whose it is, then a journal of writes, one JSON line
 * each, so that a write is there as a whole or not at all. It belongs to one process at a time; `FILE-lock` beside it names that process.
 */
export class FileStorage {
  #entries = new Map();
  #file;
  #client;
  #fd;
  #lines = 0;
  #synced;
  #frozen = false;
  #waiting = [];
  /** What could not be read when the file was opened, for people. */
  damaged = [];

  /**
   * @param file its path
   * @param client whose queue it is; another's is refused
   * @param synced whether a write is on the disk when it returns; otherwise it survives the process alone
   */
  constructor(file, client, synced = true) {
    this.#file = file;
    this.#client = client;
    this.#synced = synced;
    this.#lock();
    try {
      this.#load();
      this.#rewrite();
    } catch (e) {
      this.#unlock();
      throw e;
    }
  }

  load(prefix) {
    return [...this.#entries].filter(([key]) => key.startsWith(prefix));
  }

  write(changes) {
    if (this.#frozen) return;
    this.#append(this.#fd, changes);
    this.#take(changes);
    if (this.#lines > this.#entries.size + SLACK) this.#rewrite();
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ is, done }) => {
      if (!changes.some(([key, value]) => value !== null && is(key))) return true;
      done();
      return false;
    });
  }

  /** Resolves when a key for which `is` holds has been written. */
  written(is) {
    return new Promise((done) => {
      this.#waiting.push({ is, done });
    });
  }

  /** Takes no more writes, as if the process had died. */
  close() {
    if (this.#frozen) return;
    this.#frozen = true;
    closeSync(this.#fd);
    this.#unlock();
  }

  #take(changes) {
    for (const [key, value] of changes) {
      if (value === null) this.#entries.delete(key);
      else this.#entries.set(key, value);
    }
  }

  #append(fd, changes) {
    const line = Buffer.from(`${JSON.stringify(changes)}\n`);
    for (let n = 0; n < line.length; ) n += writeSync(fd, line, n);
    if (this.#synced) fsyncSync(fd);
    this.#lines += changes.length;
  }

  #load() {
    let text = "";
    try {
      text = readFileSync(this.#file, "utf8");
    } catch (e) {
      if (e.code !== "ENOENT") throw e;
    }
    if (!text) return;
    const lines = text.split("\n");
    lines.pop(); // empty, or a write that was cut off and never answered
    const [, version, client] = /^flowsync queue (\d+) (\S+)$/.exec(lines.shift() ?? "") ?? [];
    if (!version) {
      const aside = `${this.#file}.corrupt-${Date.now()}`;
      renameSync(this.#file, aside);
      this.damaged.push(`the file is no queue; it is now ${aside}`);
      return;
    }
    if (Number(version) > VERSION) throw new Error("it was written by a newer version");
    if (client !== this.#client) throw new Error(`it is the queue of the client ${client}`);
    for (const [i, line] of lines.entries()) {
      try {
        this.#take(JSON.parse(line));
      } catch {
        this.damaged.push(`line ${i + 2} of the file is damaged; it was left out`);
      }
    }
  }

  /** Writes what is left in one line, in place of the journal. */
  #rewrite() {
    const fresh = `${this.#file}-new`;
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = openSync(fresh, "w", 0o600);
    this.#lines = 0;
    writeSync(this.#fd, `flowsync queue ${VERSION} ${this.#client}\n`);
    this.#append(this.#fd, [...this.#entries]);
    renameSync(fresh, this.#file);
    if (!this.#synced) return;
    const dir = openSync(dirname(this.#file), "r");
    fsyncSync(dir);
    closeSync(dir);
  }

  #lock() {
    const name = `${this.#file}-lock`;
    for (;;) {
      try {
        const fd = openSync(name, "wx", 0o600);
        writeSync(fd, String(process.pid));
        closeSync(fd);
        return;
      } catch (e) {
        if (e.code !== "EEXIST") throw e;
      }
      const pid = Number(readFileSync(name, "utf8"));
      if (pid && alive(pid)) throw new Error(`it is in use by process ${pid}`);
      rmSync(name, { force: true }); // its process is gone
    }
  }

  #unlock() {
    rmSync(`${this.#file}-lock`, { force: true });
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return e.code === "EPERM";
  }
}
