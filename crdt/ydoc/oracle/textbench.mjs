// Replays one session with one library and prints one JSON line, the same
// fields as `go run ./crdt/ydoc/textbench`.
//
//   node textbench.mjs [--peer yjs|yjs-default|json-joy] [--runs 5] [--least] TRACE.json
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { heapBytes, median, round, timed } from './measure.mjs'
import { READER, peerNamed } from './peers.mjs'
import { readSession, replicas } from './session.mjs'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { peer: { type: 'string', default: 'yjs' }, runs: { type: 'string', default: '5' }, least: { type: 'boolean', default: false } },
})
const peer = peerNamed(flags.peer)
const session = readSession(positionals[0])
const runs = Number(flags.runs)

function fail(what) {
  console.error(`textbench: ${session.name}: ${flags.peer}: ${what}`)
  process.exit(1)
}

function requireEnd(document, when) {
  if (session.end !== null && document.text() !== session.end) fail(`the text after ${when} differs from the end of the session`)
}

/** Every transaction's update, made by one document per replica. */
function makeConcurrently() {
  const documents = Array.from({ length: replicas(session) }, (_, r) => peer.open(r))
  const updates = []
  for (const { r, recv, patches } of session.txns) {
    for (const i of recv) if (updates[i]) documents[r].apply(updates[i])
    updates.push(documents[r].editUpdate(patches))
  }
  return updates
}

function makeLocally() {
  const document = peer.open(0)
  const updates = session.txns.map(({ patches }) => document.editUpdate(patches))
  return { document, updates }
}

const times = { local_quiet: [], local: [], remote: [], save: [], load: [] }
let updates = session.kind === 'concurrent' ? makeConcurrently() : null
let state
for (let i = 0; i < runs; i++) {
  if (session.kind === 'sequential') {
    const [quiet, quietTime] = timed(() => {
      const document = peer.open(0)
      for (const { patches } of session.txns) document.edit(patches)
      return document
    })
    requireEnd(quiet, 'a quiet replay')
    times.local_quiet.push(quietTime)
    const [made, madeTime] = timed(makeLocally)
    requireEnd(made.document, 'a replay')
    times.local.push(madeTime)
    updates = made.updates
  }
  const sent = updates.filter((update) => update !== null)
  const [document, remoteTime] = timed(() => {
    const document = peer.open(READER)
    for (const update of sent) document.apply(update)
    return document
  })
  requireEnd(document, 'remote apply')
  times.remote.push(remoteTime)
  const [saved, saveTime] = timed(() => document.save())
  times.save.push(saveTime)
  state = saved
  const [loaded, loadTime] = timed(() => peer.load(state))
  requireEnd(loaded, 'load')
  times.load.push(loadTime)
}

const sent = updates.filter((update) => update !== null)
const updateBytes = sent.reduce((n, update) => n + update.length, 0)
const count = sent.length
updates = null
sent.length = 0
// One small document is lost in what else the collector finds to do.
const COPIES = 8
const before = await heapBytes()
const kept = Array.from({ length: COPIES }, () => peer.load(state))
const heap = Math.round(((await heapBytes()) - before) / COPIES)
const ms = (list) => (list.length === 0 ? null : round(flags.least ? Math.min(...list) : median(list)))
console.log(JSON.stringify({
  peer: flags.peer,
  trace: session.name,
  kind: session.kind,
  runs,
  local_quiet_ms: ms(times.local_quiet),
  local_ms: ms(times.local),
  updates: count,
  update_bytes: updateBytes,
  remote_ms: ms(times.remote),
  save_ms: ms(times.save),
  doc_bytes: state.length,
  doc_gz_bytes: gzipSync(state, { level: 9 }).length,
  load_ms: ms(times.load),
  text_chars: [...kept[0].text()].length,
  heap_bytes: heap,
}))
