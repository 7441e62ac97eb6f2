import { Problem } from "./line.mjs";

/** One line of input. Its fields are taken out one by one; done refuses a field that nobody took. */
export class Command {
  /** @param value the parsed line */
  constructor(value) {
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      throw new Problem("bad_message", "a command is a JSON object");
    }
    const { id, ...fields } = value;
    this.id = id;
    this.fields = fields;
  }

  /** A required field of any type. */
  raw(key) {
    if (!Object.hasOwn(this.fields, key)) throw new Problem("bad_message", `the field "${key}" is missing`);
    const value = this.fields[key];
    delete this.fields[key];
    return value;
  }

  /** A required string that is not empty. */
  text(key) {
    const s = this.raw(key);
    if (typeof s !== "string" || !s) {
      throw new Problem("bad_message", `the field "${key}" must be a string that is not empty`);
    }
    return s;
  }

  /** The name of a stream. */
  stream() {
    const name = this.text("stream");
    if (name.length > 256 || !/^[\w.-]{1,64}(:[\w.-]{1,64}){0,7}$/.test(name)) {
      const parts = "1 to 8 parts of letters, digits, '_', '.', '-', joined by ':'";
      throw new Problem("bad_stream", `not a stream name: ${parts}`);
    }
    return name;
  }

  /** A whole number from 0 that may be left out. */
  number(key, absent) {
    if (!Object.hasOwn(this.fields, key)) return absent;
    const n = this.raw(key);
    if (!Number.isSafeInteger(n) || n < 0) {
      throw new Problem("bad_message", `the field "${key}" must be a whole number from 0 to 2^53-1`);
    }
    return n;
  }

  /** When a command that waits gives up, in ms of the process. */
  deadline(absent) {
    return performance.now() + Math.min(this.number("timeout_ms", absent), 24 * 3600 * 1000);
  }

  /** Refuses what was not taken. */
  done(what) {
    const [surplus] = Object.keys(this.fields).sort();
    if (surplus !== undefined) throw new Problem("bad_message", `${what} has no field "${surplus}"`);
  }
}
