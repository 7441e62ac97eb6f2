// y-websocket as its package serves it, except that the system chooses the port,
// which is printed, and that it ends when its standard input does.
import http from 'node:http'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { Server } = require('ws')
const { setupWSConnection } = require('y-websocket/bin/utils')

const sockets = new Server({ noServer: true })
sockets.on('connection', setupWSConnection)
const server = http.createServer((_request, response) => response.end('okay'))
server.on('upgrade', (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, ws => sockets.emit('connection', ws, request))
})
server.listen(0, '127.0.0.1', 8192, () => {
  console.log(JSON.stringify({ addr: `127.0.0.1:${server.address().port}`, pid: process.pid }))
})
process.on('SIGUSR2', () => globalThis.gc?.())
process.stdin.on('end', () => process.exit(0)).resume()
