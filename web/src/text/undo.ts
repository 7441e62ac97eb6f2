import type { Deleted } from "./document.js";
import type { Redone, TextEdit, TextReplica } from "./replica.js";
import { endOf, type Range } from "./update.js";

interface Step {
  inserted: Range[];
  removed: Deleted[];
}

/**
 * Takes own edits back, and no others. Edits close in time are one step. It
 * refers to content by id, so it works on whatever replica has that content: also
 * on one that was built anew after a rejection.
 *
 * @example
 * const undo = new TextUndo();
 * undo.track(text.insert(0, "hello"), Date.now());
 * const edit = undo.undo(text); // push edit.update as an op, apply edit.splices to the view
 */
export class TextUndo {
  private readonly undos: Step[] = [];
  private readonly redos: Step[] = [];
  private redone: Redone[] = [];
  private last = -Infinity;

  /**
   * @param capture how many milliseconds after an edit the next still joins its step
   * @param depth how many steps are kept
   */
  constructor(
    private readonly capture = 500,
    private readonly depth = 200,
  ) {}

  get canUndo(): boolean {
    return this.undos.length > 0;
  }

  get canRedo(): boolean {
    return this.redos.length > 0;
  }

  /** Takes note of an own edit that was made at a time in milliseconds. */
  track(edit: TextEdit, now: number): void {
    const step = stepOf(edit);
    if (!step) return;
    this.redos.length = 0;
    const last = this.undos.at(-1);
    if (last && now - this.last < this.capture) {
      last.inserted.push(...step.inserted);
      last.removed.push(...step.removed);
    } else if (this.undos.push(step) > this.depth) {
      this.undos.shift();
    }
    this.last = now;
  }

  /** Makes the next edit a step of its own. */
  stop(): void {
    this.last = -Infinity;
  }

  /** Takes the last step back; undefined if nothing is left to undo. */
  undo(text: TextReplica): TextEdit | undefined {
    return this.revert(this.undos, this.redos, text);
  }

  /** Takes the last undo back; undefined if nothing is left to redo. */
  redo(text: TextReplica): TextEdit | undefined {
    return this.revert(this.redos, this.undos, text);
  }

  /** Forgets all steps. */
  clear(): void {
    this.undos.length = this.redos.length = this.redone.length = 0;
  }

  private revert(from: Step[], to: Step[], text: TextReplica): TextEdit | undefined {
    this.stop();
    for (let step = from.pop(); step; step = from.pop()) {
      const { inserted, removed } = step;
      // What was typed and deleted within the step does not come back.
      const edit = text.revert(
        inserted.flatMap((r) => this.follow(r)),
        removed.flatMap((r) => without(r, inserted)),
      );
      this.redone.push(...edit.redone);
      const back = stepOf(edit);
      if (back) {
        to.push(back);
        return edit;
      }
    }
    return undefined;
  }

  /** All ids that content has had since it was inserted. */
  private follow(r: Range): Range[] {
    return [
      r,
      ...this.redone.flatMap((x) => {
        const from = Math.max(r.clock, x.clock);
        const length = Math.min(endOf(r), endOf(x)) - from;
        if (x.client !== r.client || length <= 0) return [];
        return this.follow({ client: x.by, clock: x.to + from - x.clock, length });
      }),
    ];
  }
}

function stepOf({ inserted, removed }: TextEdit): Step | undefined {
  if (inserted.length || removed.length)
    return { inserted: inserted.length ? [inserted] : [], removed: [...removed] };
  return undefined;
}

/** Text less the parts that have ids in ranges. */
function without(r: Deleted, ranges: Range[]): Deleted[] {
  const out = ranges.find((x) => x.client === r.client && x.clock < endOf(r) && endOf(x) > r.clock);
  if (!out) return [r];
  const part = (from: number, to: number): Deleted[] => {
    const text = r.text.slice(from - r.clock, to - r.clock);
    return from < to ? without({ client: r.client, clock: from, length: to - from, text }, ranges) : [];
  };
  return [...part(r.clock, out.clock), ...part(endOf(out), endOf(r))];
}
