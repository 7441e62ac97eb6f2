// The time of yjs's undo manager, set by the test. Import this before yjs:
// lib0 keeps the Date.now that it finds.
let now = 0

export function setTime(ms) { now = ms }

Date.now = () => now
