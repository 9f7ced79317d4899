'use strict'

/** The user's server in a process of its own, with preload.js in it: starts it, talks with it, and ends it whatever happens. */

const { spawn } = require('node:child_process')
const { join } = require('node:path')
const { PIPE, VARIABLE } = require('./names.js')

const isWindows = process.platform === 'win32'

/**
 * @typedef {{ code: number | null, signal: NodeJS.Signals | null }} End
 *
 * @param {string} server
 * @param {string[]} args
 * @param {{ file: string, threshold: number }} settings
 */
function startServer(server, args, settings) {
  const child = spawn(process.execPath, ['--require', join(__dirname, 'preload.js'), server, ...args], {
    env: { ...process.env, [VARIABLE]: JSON.stringify(settings) },
    // A group of its own: a terminal's Ctrl-C is for the command alone, which then has the server write what it knows before it ends.
    detached: true,
    windowsHide: true,
    // Of a terminal that is not its own it may not read.
    stdio: [process.stdin.isTTY ? 'ignore' : 'inherit', 'inherit', 'inherit', 'overlapped'],
  })
  const pipe = /** @type {import('node:net').Socket} */ (child.stdio[PIPE])
  pipe.setEncoding('utf8')
  pipe.on('error', () => {})
  const heard = { listening: promise(), finished: promise() }
  let text = ''
  pipe.on('data', (chunk) => {
    text += chunk
    if (text.includes('listening\n')) heard.listening.resolve()
    if (text.includes('finished\n')) heard.finished.resolve()
  })
  /** @type {Promise<End>} */
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve({ code, signal }))
  })
  // However the command ends, the server does not outlive it.
  const last = () => kill('SIGKILL')
  process.once('exit', last)
  ended.then(
    () => process.off('exit', last),
    () => {},
  )

  /** @param {NodeJS.Signals} signal */
  function kill(signal) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    try {
      // What it has started gets the signal, too, as from a terminal.
      if (isWindows) child.kill(signal)
      else process.kill(-child.pid, signal)
    } catch {
      // It has ended just now.
    }
  }

  return {
    listening: heard.listening.promise,
    /** When it has written what it knows. */
    finished: heard.finished.promise,
    ended,
    finish: () => pipe.write('finish\n'),
    kill,
    /** When it has ended: what it has started and left behind gets a SIGTERM, and does not keep the command from ending. */
    close() {
      pipe.destroy()
      try {
        if (!isWindows && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
      } catch {
        // There is nothing left.
      }
    },
  }
}

function promise() {
  /** @type {() => void} */
  let resolve = () => {}
  const promise = /** @type {Promise<void>} */ (
    new Promise((done) => {
      resolve = () => done()
    })
  )
  return { promise, resolve }
}

module.exports = { startServer }
