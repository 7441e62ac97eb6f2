// How costs grow with a library; prints one JSON line.
//
//   node growth.mjs [--peer P] repeat N TRACE.json    the session N times in one document
//   node growth.mjs [--peer P] cold DOCS TRACE.json   updates round robin over DOCS documents
//   node growth.mjs [--peer P] spot CLIENTS           CLIENTS replicas insert at one spot
import { parseArgs } from 'node:util'
import { heapBytes, median, round, timed } from './measure.mjs'
import { READER, peerNamed } from './peers.mjs'
import { readSession, repeat } from './session.mjs'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { peer: { type: 'string', default: 'yjs' } },
})
const peer = peerNamed(flags.peer)
const [mode, count, path] = positionals
const n = Number(count)
const ns = (ms, ops) => round((ms * 1e6) / ops, 1)

async function repeated() {
  const session = repeat(readSession(path), n)
  const [document, local] = timed(() => {
    const document = peer.open(0)
    for (const { patches } of session.txns) document.editUpdate(patches)
    return document
  })
  if (session.end !== null && document.text() !== session.end) throw new Error('the text differs from the end of the session')
  const RUNS = 3
  const saves = Array.from({ length: RUNS }, () => timed(() => document.save()))
  const state = saves[0][0]
  const loads = Array.from({ length: RUNS }, () => timed(() => peer.load(state))[1])
  const before = await heapBytes()
  const loaded = peer.load(state)
  const heap = (await heapBytes()) - before
  if (loaded.text() !== document.text()) throw new Error('the loaded text differs')
  return { ops: session.txns.length, local_ns: ns(local, session.txns.length), save_ms: round(median(saves.map(([, ms]) => ms))), load_ms: round(median(loads)), doc_bytes: state.length, heap_bytes: heap }
}

// Documents hold the first tenth of the session; then each receives the next
// updates in turn, so that no document is in a cache when its turn comes.
function cold() {
  const session = readSession(path)
  const base = Math.floor(session.txns.length / 10)
  const author = peer.open(0)
  for (const { patches } of session.txns.slice(0, base)) author.edit(patches)
  const state = author.save()
  const updates = session.txns.slice(base, base + 1000).map(({ patches }) => author.editUpdate(patches)).filter((u) => u !== null)
  const documents = Array.from({ length: n }, () => peer.load(state))
  const [, ms] = timed(() => {
    for (const update of updates) for (const document of documents) document.apply(update)
  })
  const want = author.text()
  if (documents.some((document) => document.text() !== want)) throw new Error('a document differs from its author')
  const ops = updates.length * n
  return { ops, remote_ns: ns(ms, ops) }
}

function spot() {
  const author = peer.open(READER)
  const first = author.editUpdate([[0, 0, 'ab']])
  const updates = Array.from({ length: n }, (_, r) => {
    const writer = peer.open(READER + 1 + r)
    writer.apply(first)
    return writer.editUpdate([[1, 0, 'x']])
  })
  // A fixed shuffle: neither the best order nor the worst.
  for (let i = updates.length - 1, seed = 1; i > 0; i--) {
    seed = (seed * 48271) % 2147483647
    const j = seed % (i + 1)
    ;[updates[i], updates[j]] = [updates[j], updates[i]]
  }
  const [, ms] = timed(() => { for (const update of updates) author.apply(update) })
  if (author.text().length !== n + 2) throw new Error('an insert was lost')
  return { ops: n, remote_ns: ns(ms, n) }
}

const modes = { repeat: repeated, cold, spot }
if (!modes[mode]) throw new Error('usage: growth.mjs [--peer P] repeat|cold|spot N [TRACE.json]')
console.log(JSON.stringify({ peer: flags.peer, mode, n, ...(await modes[mode]()) }))
