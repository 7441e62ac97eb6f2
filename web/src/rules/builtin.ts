import { counter } from "./counter.js";
import { log } from "./log.js";
import { ephemeral, lww, map } from "./registers.js";
import type { Rule } from "./rule.js";
import { orset, set } from "./sets.js";
import { doc, text } from "./text.js";

/** The rules that this client has. A stream with any other is read as the value that the hub shows. */
export const rules: readonly Rule[] = [counter, set, orset, map, lww, log, ephemeral, text, doc];

/** The rule that an op names by itself, if only one has such an op. */
export function ruleOf(op: unknown): string {
  if (typeof op !== "object" || !op) return "";
  const kind = String((op as { op?: unknown }).op);
  if (/^(in|de)crement$/.test(kind)) return counter.name;
  // A map deletes keys, a text from a position on.
  if ("pos" in op && /^(insert|delete|replace)$/.test(kind)) return text.name;
  return kind === "append" ? log.name : "";
}
