import { Reader, utf8, Writer } from "./bytes.js";
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
  const roots = [...doc.roots.keys()].sort().flatMap((name) => {
    const value = typeJson(doc.roots.get(name) as Shared);
    return value === "{}" ? [] : [member(name, value)];
  });
  w.raw(utf8(`{${roots}}`));
  return w.bytes().slice();
}

const member = (name: string, json: string) => `${JSON.stringify(name)}:${json}`;

/** All that can be seen of a shared type. */
function typeJson(type: Shared): string {
  const out: string[] = [];
  const keys = [...type.lists.keys()].filter(
    (k) => k !== undefined && !(type.lists.get(k) as List).last?.deleted,
  );
  const members = (keys as string[]).sort().flatMap((key) => {
    const last = type.lists.get(key)?.last;
    return last ? [member(key, `{${entriesOf(last).at(-1)}}`)] : [];
  });
  if (members.length) out.push(member("keys", `{${members}}`));
  const holder = new Reader((type.item?.content ?? new Uint8Array()) as Uint8Array);
  if (type.item) out.push(member("kind", `${holder.uint()}`));
  const list = type.lists.get(undefined);
  const entries = list ? listJson(list) : "[]";
  if (entries !== "[]") out.push(member("list", entries));
  const name = holder.pos < holder.bytes.length ? holder.text() : "";
  if (name) out.push(member("name", JSON.stringify(name)));
  return `{${out}}`;
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
  if (value instanceof Uint8Array)
    return `"${btoa(Array.from(value, (b) => String.fromCharCode(b)).join(""))}"`;
  const object = value as Record<string, unknown>;
  const keys = Object.keys(object).filter((key) => object[key] !== undefined);
  return `{${keys.sort().map((key) => member(key, canonical(object[key])))}}`;
}
