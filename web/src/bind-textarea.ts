import { diff, type TextHandle } from "./live-text.js";
import type { Splice } from "./text/index.js";

/** What a field has that shows a text. */
type Field = HTMLTextAreaElement | HTMLInputElement;

/**
 * Makes a field show a text and edit it. The field stays uncontrolled: nobody else may set its value. Carets,
 * selections and the scroll position stay where they are when others edit; undo and redo take back own edits
 * alone. Several fields may show one text.
 *
 * @returns what ends that; calling it again does nothing
 * @example
 * ```ts
 * const unbind = bindTextarea(document.querySelector("textarea"), client.stream("text:doc").text);
 * ```
 */
export function bindTextarea(field: Field, text: TextHandle): () => void {
  let shown = "";
  let editing = false; // what the text tells now is what this field has already
  let release: (() => void) | undefined; // while an input method composes

  const patch = (splices: readonly Splice[]) => {
    const top = field.scrollTop;
    for (const { pos, del, ins } of splices) field.setRangeText(ins, pos, pos + del, "preserve");
    field.scrollTop = top;
    shown = field.value;
  };
  /** Makes the field equal to the text, however they came to differ. */
  const show = () => {
    const now = text.toString();
    if (field.value !== now) patch([diff(field.value, now)]);
    shown = now;
  };
  /** Takes what the user did to the field. */
  const take = () => {
    const now = field.value;
    if (release || now === shown) return;
    const { pos, del, ins } = diff(shown, now, field.selectionEnd ?? now.length);
    editing = true;
    try {
      text.replace(pos, del, ins);
    } finally {
      editing = false;
    }
    show(); // at once what it is in the end: an edit may have been refused
  };
  const back = (redo: boolean, e: Event) => {
    if (field.readOnly || field.disabled) return;
    // The field's own undo knows nothing of others' edits.
    e.preventDefault();
    if (release) return;
    const before = shown;
    if (!(redo ? text.redo() : text.undo())) return;
    const { pos, ins } = diff(before, shown);
    field.setSelectionRange(pos + ins.length, pos + ins.length);
  };
  const composed = () => {
    const open = release;
    release = undefined;
    take();
    open?.();
    show();
  };
  const reset = () => setTimeout(take); // the form's own comes first
  const events: { [name: string]: (e: Event) => void } = {
    input: take,
    // Touching a field while an input method composes garbles what it makes.
    compositionstart: () => {
      release ??= text.hold();
    },
    compositionend: composed,
    blur: composed,
    beforeinput: (e) => {
      const type = (e as InputEvent).inputType;
      if (/^history/.test(type)) back(type === "historyRedo", e);
    },
    // Where the field has nothing of its own to undo there is no beforeinput.
    keydown: (e) => {
      const { key, ctrlKey, metaKey, shiftKey, altKey } = e as KeyboardEvent;
      const letter = (ctrlKey || metaKey) && !altKey && key.toLowerCase();
      if (letter === "z" || (letter === "y" && !shiftKey)) back(shiftKey || letter === "y", e);
    },
  };

  const off = text.subscribe((splices) => {
    if (!editing && !release) patch(splices);
  });
  const { form } = field;
  field.value = shown = text.toString();
  for (const name of Object.keys(events)) field.addEventListener(name, events[name] as EventListener);
  form?.addEventListener("reset", reset);
  return () => {
    off();
    for (const name of Object.keys(events)) field.removeEventListener(name, events[name] as EventListener);
    form?.removeEventListener("reset", reset);
    release?.();
    release = undefined;
  };
}
