// In production, no answer says anything of the machine, whatever a handler throws: all errors of ours, and forty of Node's.
import { exec, execFileSync } from 'node:child_process'
import crypto from 'node:crypto'
import dns from 'node:dns/promises'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import stream from 'node:stream/promises'
import { promisify } from 'node:util'
import vm from 'node:vm'
import { Worker } from 'node:worker_threads'
import zlib from 'node:zlib'
import test from 'ava'
import { hash, heavyLoad, Pool } from 'heavy-load'
import { ADAPTERS, ours, serveHandler } from '../helpers/http-servers.mjs'

const require = createRequire(import.meta.url)
const { CODES } = require('../../lib/errors.js')

process.env.NODE_ENV = 'production'
// Express logs what it answers.
console.error = () => {}
process.env.SECRET = 'secret-of-environment'
const here = import.meta.dirname
const missing = path.join(here, 'missing')

/** What Node throws at those who use it, by what they did. */
const OF_NODE = [
  () => fs.readFileSync(missing),
  () => fs.promises.readFile(missing),
  () => fs.promises.readFile(here),
  () => fs.promises.readFile(path.join(here, 'a\0b')),
  () => fs.promises.readdir(import.meta.filename),
  () => fs.promises.mkdir(here),
  () => fs.promises.rmdir(here),
  () => fs.promises.rename(missing, path.join(here, 'other')),
  () => fs.promises.unlink(missing),
  () => fs.promises.stat(missing),
  () => fs.promises.open(path.join(import.meta.filename, 'below')),
  () => fs.promises.symlink(missing, here),
  () => fs.promises.copyFile(missing, here),
  () => fs.createReadStream(missing),
  () => fs.readFileSync(undefined),
  () => fs.readSync(-1),
  () => fs.readFileSync(99_999),
  () => stream.pipeline(fs.createReadStream(missing), fs.createWriteStream(path.join(missing, 'x'))),
  () => path.join(undefined, here),
  () => path.resolve(7),
  () => Buffer.from(undefined),
  () => Buffer.alloc(-1),
  () => Buffer.alloc(2).readUInt32LE(0),
  () => new URL('not a url'),
  () => require('./missing.cjs'),
  () => import('./missing.mjs'),
  () => require('no-such-package'),
  () => JSON.parse(`{${process.env.SECRET}`),
  () => new vm.Script('(', { filename: import.meta.filename }),
  () => vm.runInNewContext(`throw new Error('${process.env.SECRET}')`),
  () => execFileSync(missing),
  () => promisify(exec)(`cat ${missing}`),
  () => new Worker('not absolute'),
  () => net.connect({ port: -1 }),
  () => net.connect({ port: 99_999 }),
  () => fetch('http://127.0.0.1:1/'),
  () => fetch('http://no-such-host.invalid/'),
  () => dns.lookup('no-such-host.invalid'),
  () => crypto.createHash('md0'),
  () => crypto.createCipheriv('aes-128-gcm', 'short', 'short'),
  () => crypto.createPrivateKey(process.env.SECRET),
  () => crypto.randomBytes(-1),
  () => zlib.gunzipSync(process.env.SECRET),
  () => promisify(zlib.inflate)(Buffer.from(process.env.SECRET)),
  () => process.chdir(missing),
  () => process.kill(process.pid, 'SIGNOTHING'),
  () => structuredClone(() => process.env.SECRET),
  () => new Intl.NumberFormat('not a locale'),
  () => process.env.SECRET.missing.more,
  () => BigInt(process.env.SECRET),
  () => Reflect.construct(Error, [process.env.SECRET]).stack.missing.more,
  () => Promise.reject(new AggregateError([new Error(process.env.SECRET)], missing)),
]

/** Errors of ours that are about the machine, as they come. */
const REAL = [
  () => hash(Buffer.alloc(1), { pool: new Pool({ threads: 1, maxMemory: -1 }) }),
  () => new Pool({ name: `${os.hostname()}\0` }),
  (task) => heavyLoad(1, { ...task, key: 42 }),
  (task) => task.pool.run('noSuchKernel', 1),
  () => heavyLoad(1, { pool: missing }),
]

/** Errors about an input or an option that the server itself has chosen. */
const SHOWN = [
  (task) => hash(process.env.SECRET, task),
  (task) => heavyLoad(process.env.SECRET, task),
  (task) => hash(Buffer.alloc(1), { ...task, algorithm: process.env.SECRET }),
  (task) => heavyLoad(-process.pid, task),
]

const secrets = [here, path.dirname(here), process.env.SECRET, '127.0.0.1', 'node_modules', '.mjs', 'node:']
// A short one is found in anything.
if (os.hostname().length > 6) secrets.push(os.hostname())
const production = { env: 'production' }

/** Nothing of an answer is to be found in it. */
async function checkDiscretion(t, url, about) {
  const response = await fetch(url)
  const text = await response.text()
  const headers = [...response.headers].flat().join(' ')
  for (const secret of secrets) t.false(`${text} ${headers}`.includes(secret), `${about}: ${text}`)
  return { status: response.status, text }
}

for (const kind of ADAPTERS) {
  test(`${kind}: what Node throws`, async (t) => {
    t.true(OF_NODE.length >= 40)
    let run
    const { url } = await serveHandler(t, kind, () => run(), {}, production)
    for (const mistake of OF_NODE) {
      let thrown
      run = async () => {
        try {
          const value = await mistake()
          // What fails later is what is returned: a stream.
          return value
        } catch (error) {
          thrown = error
          throw error
        }
      }
      const { status, text } = await checkDiscretion(t, url, String(mistake))
      t.is(status, 500, String(mistake))
      if (thrown !== undefined) t.false(text.includes(thrown.message), text)
    }
  })

  test(`${kind}: all errors of ours, whatever they say`, async (t) => {
    let error
    const { url } = await serveHandler(t, kind, () => Promise.reject(error), {}, production)
    for (const code of Object.keys(CODES)) {
      for (const fault of ['input', 'call']) {
        const said = `${missing} at ${os.hostname()}`
        const made = ours(code, { message: said, cause: new Error(said), retryAfter: 7 }, fault)
        // An error about the input has the client's own words.
        error = CODES[code].status < 500 && fault === 'input' ? ours(code) : made
        const { status } = await checkDiscretion(t, url, `${code}, ${fault}`)
        t.true(status >= 400)
      }
    }
  })

  test(`${kind}: no error of ours shows a value, whoever has given it`, async (t) => {
    let error
    const { url } = await serveHandler(t, kind, () => Promise.reject(error), {}, production)
    for (const code of Object.keys(CODES)) {
      error = ours(code, { message: `The "data" argument is none. Received type string ('${process.env.SECRET}')` })
      await checkDiscretion(t, url, code)
    }
    let run
    const real = await serveHandler(t, kind, (_request, task) => run(task), {}, production)
    for (const mistake of SHOWN) {
      run = mistake
      const { status, text } = await checkDiscretion(t, real.url, String(mistake))
      t.is(status, 400)
      t.regex(text, /must be /, 'it says what was expected')
      t.notRegex(text, /Received/)
    }
  })

  test(`${kind}: errors of ours as they come`, async (t) => {
    const pool = new Pool({ threads: 1 })
    t.teardown(() => pool.close())
    let run
    const { url } = await serveHandler(t, kind, (_request, task) => run(task), { pool }, production)
    for (const mistake of REAL) {
      run = async (task) => mistake(task)
      const { status } = await checkDiscretion(t, url, String(mistake))
      t.is(status, 500, String(mistake))
    }
  })

  test(`${kind}: handed on to the app, they are as discreet`, async (t) => {
    const error = ours('ERR_REMOTE', { message: `Redis at ${os.hostname()} is away`, retryAfter: 7 })
    const { url, errors } = await serveHandler(t, kind, () => Promise.reject(error), { errors: 'next' }, production)
    const { status } = await checkDiscretion(t, url, 'ERR_REMOTE')
    t.is(status, 503)
    t.deepEqual(errors, kind === 'node:http' ? [] : [error])
  })
}
