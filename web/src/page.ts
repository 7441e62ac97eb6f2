/** What a client wants to know of the page that it lives in. */
export type PageWatch = {
  /** The network may be back, or somebody looks again: a good time to try. */
  wake(): void;
  /** The page was hidden or shown; hidden ones may end without a word. */
  hide(hidden: boolean): void;
  /** The page is about to be left: true asks the user first. */
  leave(): boolean;
};

/** Watches the page, where there is one. Returns what stops that. */
export function watchPage(w: PageWatch): () => void {
  if (typeof addEventListener === "undefined") return () => {};
  const hidden = () => typeof document !== "undefined" && document.visibilityState === "hidden";
  const seen = () => {
    w.hide(hidden());
    if (!hidden()) w.wake();
  };
  const events: { [name: string]: (e: Event) => void } = {
    online: () => w.wake(),
    pageshow: seen,
    visibilitychange: seen,
    pagehide: () => w.hide(true),
    beforeunload: (e) => {
      if (w.leave()) e.preventDefault();
    },
  };
  // visibilitychange is the document's, and reaches the window.
  for (const name of Object.keys(events)) addEventListener(name, events[name] as EventListener);
  return () => {
    for (const name of Object.keys(events)) removeEventListener(name, events[name] as EventListener);
  };
}

/**
 * Runs work once before the next frame; a hidden page has no frames, and Node none at all. Returns what
 * cancels it.
 */
export function onFrame(work: () => void): () => void {
  if (typeof requestAnimationFrame === "function" && document.visibilityState !== "hidden") {
    const id = requestAnimationFrame(work);
    return () => cancelAnimationFrame(id);
  }
  const id = setTimeout(work, typeof document === "undefined" ? 0 : 100);
  return () => clearTimeout(id);
}
