'use strict'

/**
 * A thread of the server's process that talks with the command. It can answer while the server's own thread is blocked, if that runs
 * JavaScript: as a debugger it interrupts it, even in a loop without end. When the command is gone, it ends the process.
 */

const { Session } = require('node:inspector')
const { Socket } = require('node:net')
const { parentPort } = require('node:worker_threads')
const { FINISH, PIPE } = require('./names.js')

/** How long the server gets to end when the command is gone, in milliseconds. */
const GRACE = 2000

const pipe = new Socket({ fd: PIPE, readable: true, writable: true })
pipe.setEncoding('utf8')
pipe.on('error', () => {})
pipe.on('data', (text) => {
  if (String(text).includes('finish')) finish()
})
pipe.on('close', () => {
  end('SIGTERM')
  setTimeout(end, GRACE, 'SIGKILL')
})
parentPort?.on('message', (message) => pipe.write(`${message}\n`))

/** @param {NodeJS.Signals} signal */
function end(signal) {
  // What the server has started is in its group.
  process.kill(process.platform === 'win32' ? process.pid : -process.pid, signal)
}

function finish() {
  const session = new Session()
  // Only now: a process that ends while a session like that is open waits for it.
  session.connectToMainThread()
  session.post('Runtime.evaluate', { expression: `globalThis[Symbol.for('${FINISH}')]()` }, () => session.disconnect())
}
