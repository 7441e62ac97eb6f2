import { counter } from "./counter.js";
import { log } from "./log.js";
import { ephemeral, lww, map } from "./registers.js";
import type { Rule } from "./rule.js";
import { orset, set } from "./sets.js";

/** The rules that this client has. A stream with any other is read as the value that the hub shows. */
export const rules: readonly Rule[] = [counter, set, orset, map, lww, log, ephemeral];

/** The rule that an op names by itself, if only one has such an op. */
export function ruleOf(op: object): string {
  const kind = String((op as { op?: unknown }).op);
  return /^(in|de)crement$/.test(kind) ? counter.name : kind === "append" ? log.name : "";
}
