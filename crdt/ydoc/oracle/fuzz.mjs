// yjs documents driven by JSON lines: one request a line on standard input,
// one answer a line on standard output. It ends when its input ends.
//
//   {do: "new", id, client, undo, rich}  a document; id names it from now on
//   {do: "edit", id, now, edits}     one transaction        → {update}
//   {do: "apply", id, now, updates}  in this order, each a transaction
//   {do: "undo" | "redo", id, now}   → {update}
//   {do: "stop", id}                 the next edit is undone on its own
//   {do: "diff", id, vector}         → {update}
//   {do: "look", id}                 → {state, vector, value}
//   {do: "run", id, code}            runs code with doc and Y  → {update}
//   {do: "reset"}                    forgets all documents
//
// Updates, states and vectors are base64; a transaction that changes nothing
// has the update "". A request that fails is answered with {error}.
import { setTime } from './clock.mjs'
import { createInterface } from 'node:readline'
import * as Y from 'yjs'
import { execute, openRoots, valueOf } from './edit.mjs'

const REMOTE = 'remote' // not tracked by undo managers
const CAPTURE_TIMEOUT = 500

const documents = new Map()
const base64 = (bytes) => Buffer.from(bytes).toString('base64')
const bytes = (text) => new Uint8Array(Buffer.from(text, 'base64'))

/** Runs f and returns the updates of all transactions that it made. */
function updatesOf(document, f) {
  document.made = []
  f()
  return document.made
}

function only(updates) {
  if (updates.length > 1) throw new Error(`${updates.length} transactions where one was asked for`)
  return updates.length === 0 ? '' : base64(updates[0])
}

const requests = {
  new({ id, client, undo, rich }) {
    const doc = new Y.Doc()
    doc.clientID = client
    const roots = openRoots(doc)
    const document = { doc, rich, made: [], undo: undo ? new Y.UndoManager(roots, { captureTimeout: CAPTURE_TIMEOUT }) : null }
    doc.on('update', (update) => document.made.push(update))
    documents.set(id, document)
    return {}
  },
  edit({ id, now, edits }) {
    setTime(now)
    const document = documents.get(id)
    return {
      update: only(updatesOf(document, () => document.doc.transact(() => {
        for (const edit of edits) execute(document.doc, edit, document.rich)
      }))),
    }
  },
  apply({ id, now, updates }) {
    setTime(now)
    for (const update of updates) Y.applyUpdate(documents.get(id).doc, bytes(update), REMOTE)
    return {}
  },
  undo({ id, now }) {
    setTime(now)
    const document = documents.get(id)
    return { update: only(updatesOf(document, () => document.undo.undo())) }
  },
  redo({ id, now }) {
    setTime(now)
    const document = documents.get(id)
    return { update: only(updatesOf(document, () => document.undo.redo())) }
  },
  stop({ id }) {
    documents.get(id).undo.stopCapturing()
    return {}
  },
  diff({ id, vector }) {
    return { update: base64(Y.encodeStateAsUpdate(documents.get(id).doc, bytes(vector))) }
  },
  look({ id }) {
    const { doc } = documents.get(id)
    return { state: base64(Y.encodeStateAsUpdate(doc)), vector: base64(Y.encodeStateVector(doc)), value: valueOf(doc) }
  },
  run({ id, code }) {
    const document = documents.get(id)
    const f = new Function('doc', 'Y', code)
    return { update: only(updatesOf(document, () => document.doc.transact(() => f(document.doc, Y)))) }
  },
  reset() {
    documents.clear()
    return {}
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    const request = JSON.parse(line)
    answer = requests[request.do](request)
  } catch (error) {
    answer = { error: String(error.stack ?? error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
