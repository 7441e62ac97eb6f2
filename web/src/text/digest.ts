import { toBase64 } from "../wire/base64.js";
import { utf8 } from "../wire/hash.js";
import { Reader, Writer } from "./bytes.js";
import type { Document } from "./document.js";
import { ANY_VALUES, BINARY, DOC, EMBED, FORMAT, type Item, JSON_VALUES, STRING, TYPE } from "./item.js";
import type { List, Shared } from "./list.js";
import { writeRanges } from "./update.js";

/**
 * What two replicas must have in common to be equal, for hashing: clocks and
 * deleted ranges by ascending client, and canonical JSON of everything visible
 * with its formatting. Equal documents give equal bytes however their items are
 * split; the Go engine gives the same.
 */
export function digestInput(doc: Document): Uint8Array {
  const w = new Writer();
  const state = doc.state.reverse();
  w.uint(state.length);
  for (const { client, length } of state) {
    w.uint(client);
    w.uint(length);
  }
  writeRanges(
    w,
    doc.deleted.sort((a, b) => a.client - b.client || a.clock - b.clock),
  );
  w.raw(utf8(members(doc.roots, (root) => typeJson(root).replace(/^\{\}$/, ""))));
  return w.bytes();
}

const member = (name: string, json: string) => `${JSON.stringify(name)}:${json}`;

/** A JSON object whose members are in canonical order. One without JSON is left out. */
function members<T>(of: Iterable<[string, T]>, json: (value: T) => string): string {
  const out: string[] = [];
  for (const [name, value] of [...of].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const text = json(value);
    if (text) out.push(member(name, text));
  }
  return `{${out}}`;
}

/** All that can be seen of a shared type. */
function typeJson(type: Shared): string {
  const lists = new Map(type.lists) as Map<string, List>;
  const list = type.lists.get(undefined);
  lists.delete(undefined as unknown as string);
  const { item } = type;
  const r = new Reader(item ? (item.content as Uint8Array) : Uint8Array.of(0));
  const kind = `${r.uint()}`;
  const name = r.pos < r.bytes.length ? JSON.stringify(r.text()) : "";
  return members(
    Object.entries({
      keys: members(lists, ({ last }) => (last && !last.deleted ? `{${entriesOf(last).at(-1)}}` : "")),
      kind: item ? kind : "",
      list: list ? listJson(list) : "",
      name: name.length > 2 ? name : "",
    }),
    (json) => (json.length > 2 || json === kind ? json : ""),
  );
}

/** The sequence of a type. Text of one formatting is one entry. */
function listJson(list: List): string {
  const out: string[] = [];
  const attrs: Record<string, unknown> = Object.create(null);
  let formatting = ""; // attrs as a member, with a comma
  let run = ""; // formatting of the text so far
  let text = "";
  const pack = () => {
    if (text) out.push(`{${run}${member("text", JSON.stringify(text))}}`);
    text = "";
  };
  for (let item = list.first; item; item = item.right) {
    if (item.deleted) continue;
    if (item.kind === FORMAT) {
      const r = new Reader(item.content as Uint8Array);
      const key = r.text();
      const value = r.json();
      if (value === null) delete attrs[key];
      else attrs[key] = value;
      formatting = Object.keys(attrs).length ? `${member("attrs", canonical(attrs))},` : "";
    } else if (item.kind === STRING) {
      if (run !== formatting) pack();
      run = formatting;
      text += item.content;
    } else {
      pack();
      for (const entry of entriesOf(item)) out.push(`{${formatting}${entry}}`);
    }
  }
  pack();
  return `[${out}]`;
}

/** The values that an item holds, each as a member that says what it is. */
function entriesOf(item: Item): string[] {
  const { kind, content } = item;
  if (kind === ANY_VALUES || kind === JSON_VALUES) {
    return (content as Uint8Array[]).map((bytes) => {
      const r = new Reader(bytes);
      if (kind === ANY_VALUES) return entry(r.any());
      const json = r.text();
      return entry(json === "undefined" ? undefined : JSON.parse(json));
    });
  }
  if (kind === STRING) return [...(content as string)].map(entry);
  const r = new Reader(content as Uint8Array);
  if (kind === EMBED) return [entry(r.json())];
  if (kind === BINARY) return [entry(r.span())];
  if (kind === DOC) return [member("doc", JSON.stringify(r.text()))];
  return kind === TYPE && item.shared ? [member("type", typeJson(item.shared))] : [];
}

function entry(value: unknown): string {
  if (value === undefined) return member("undefined", "true");
  const name = typeof value === "bigint" ? "bigint" : value instanceof Uint8Array ? "bytes" : "value";
  return member(name, canonical(value));
}

/** JSON as RFC 8785 says. */
function canonical(value: unknown): string {
  if (typeof value === "bigint") return `"${value}"`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (value instanceof Uint8Array) return `"${toBase64(value)}"`;
  return members(Object.entries(value), (v) => (v === undefined ? "" : canonical(v)));
}
