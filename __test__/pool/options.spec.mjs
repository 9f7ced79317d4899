// What a pool can be made with, and what it is like by default.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os, { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Pool } from 'heavy-load'
import { runFixture } from '../helpers/child.mjs'
import { openPool } from '../helpers/pool.mjs'
import { root } from '../helpers/root.mjs'
import { LONGEST_NAME, threadsNamed } from '../helpers/threads.mjs'
import { until } from '../helpers/turns.mjs'

const onLinux = process.platform === 'linux' ? test.serial : test.skip
const hasLimits =
  process.getuid?.() === 0 && ['setpriv', 'prlimit'].every((tool) => spawnSync(tool, ['--version']).status === 0)
const withLimits = hasLimits ? test.serial : test.skip
const withTaskset = spawnSync('taskset', ['--version']).status === 0 ? test.serial : test.skip

const WRONG_TYPES = [
  [null, 'options'],
  ['threads', 'options'],
  [[], 'options'],
  [2, 'options'],
  [{ threads: '2' }, 'options.threads'],
  [{ threads: null }, 'options.threads'],
  [{ threads: 2n }, 'options.threads'],
  [{ maxQueue: '1' }, 'options.maxQueue'],
  [{ maxQueue: null }, 'options.maxQueue'],
  [{ niceness: true }, 'options.niceness'],
  [{ niceness: null }, 'options.niceness'],
  [{ name: 5 }, 'options.name'],
  [{ name: null }, 'options.name'],
]
const OUT_OF_RANGE = [
  ...[0, -1, 1.5, 1025, Number.NaN, Infinity].map((threads) => [{ threads }, 'options.threads']),
  ...[-1, 0.5, 2 ** 53, Number.NaN, -Infinity].map((maxQueue) => [{ maxQueue }, 'options.maxQueue']),
  ...[-1, 20, 0.5, Number.NaN, Infinity].map((niceness) => [{ niceness }, 'options.niceness']),
]

test.serial('refuses options of the wrong type', (t) => {
  for (const [options, name] of WRONG_TYPES) {
    const error = t.throws(() => new Pool(options), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
    t.true(error.message.startsWith(`The "${name}" `), error.message)
  }
})

test.serial('refuses numbers that are out of range', (t) => {
  for (const [options, name] of OUT_OF_RANGE) {
    const error = t.throws(() => new Pool(options), { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' })
    t.true(error.message.startsWith(`The value of "${name}" is out of range.`), error.message)
  }
})

test.serial('refuses names that no thread can have', (t) => {
  for (const name of ['', 'a\0b']) {
    t.throws(() => new Pool({ name }), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
      message: /options\.name/,
    })
  }
})

test.serial('takes the least and the most of each option', async (t) => {
  const accepted = [
    { threads: 1, maxQueue: 0, niceness: 0, name: 'a' },
    { threads: 7, maxQueue: Infinity, niceness: 19, name: 'a name with spaces, longer than a thread can have' },
    { threads: 2, maxQueue: Number.MAX_SAFE_INTEGER, niceness: 10, name: 'ünïcødé' },
    { threads: undefined, maxQueue: undefined, niceness: undefined, name: undefined },
  ]
  for (const options of accepted) {
    const pool = openPool(t, options)
    t.is(pool.threads, options.threads ?? pool.threads)
    t.is(pool.name, options.name ?? pool.name)
    t.is(await pool.run('heavyLoad', 1000), 1000)
  }
})

test.serial('is made for the machine by default', async (t) => {
  const { stdout } = await runFixture('pool-size', { env: { HEAVY_LOAD_THREADS: undefined } })
  const { own, shared, name } = JSON.parse(stdout)
  t.true(Number.isInteger(own) && own >= 1 && own <= os.cpus().length, stdout)
  t.is(shared, own)
  t.is(name, 'heavy-load')
})

test.serial('takes its size from HEAVY_LOAD_THREADS', async (t) => {
  const { stdout } = await runFixture('pool-size', { env: { HEAVY_LOAD_THREADS: '3' } })
  t.like(JSON.parse(stdout), { own: 3, shared: 3, given: 2 })
})

for (const text of ['', ' ']) {
  test.serial(`takes HEAVY_LOAD_THREADS='${text}' for none`, async (t) => {
    const [unset, empty] = await Promise.all(
      [undefined, text].map((HEAVY_LOAD_THREADS) => runFixture('pool-size', { env: { HEAVY_LOAD_THREADS } })),
    )
    t.deepEqual(JSON.parse(empty.stdout), JSON.parse(unset.stdout))
  })
}

// A user of whom nobody has heard, so that only this process counts.
withLimits('starts with the threads that the system gives', async (t) => {
  const prefix = ['setpriv', '--reuid', '54321', '--clear-groups', 'prlimit', '--nproc=40']
  // Another user may not be able to read this checkout.
  const under = mkdtempSync(join(tmpdir(), 'heavy-load-limits-'))
  t.teardown(() => rmSync(under, { recursive: true }))
  const addon = readdirSync(root).filter((name) => name.endsWith('.node'))
  for (const path of ['package.json', 'index.js', 'lib', '__test__/fixtures/pool-size.mjs', ...addon]) {
    cpSync(join(root, path), join(under, path), { recursive: true })
  }
  chmodSync(under, 0o755)
  // Nor where another addon is that these tests may have been told to load.
  const env = { HEAVY_LOAD_THREADS: '1000', NAPI_RS_NATIVE_LIBRARY_PATH: undefined }
  const { code, stdout, stderr } = await runFixture('pool-size', { env, prefix, under })
  t.is(code, 0, stderr)
  const { shared, ran } = JSON.parse(stdout)
  t.true(shared > 0 && shared < 40, stdout)
  t.is(ran, 1)
})

for (const text of ['abc', '0', '-1', '1.5', '1025', '99999999999999999999']) {
  test.serial(`refuses HEAVY_LOAD_THREADS=${text}`, async (t) => {
    const { code, stdout, stderr } = await runFixture('pool-size', { env: { HEAVY_LOAD_THREADS: text } })
    t.is(code, 0, stderr)
    const { own, shared, ran, message, given } = JSON.parse(stdout)
    t.deepEqual([own, shared, ran], Array(3).fill('ERR_INVALID_ARG_VALUE'))
    t.regex(message, /HEAVY_LOAD_THREADS/)
    t.true(message.includes(text), message)
    t.is(given, 2, 'a pool whose size is given does not look at it')
  })
}

withTaskset('counts only the CPUs that the process may use', async (t) => {
  // Not all machines give us the first CPU.
  const [, cpu] = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))
  const env = { HEAVY_LOAD_THREADS: undefined }
  const { code, stdout, stderr } = await runFixture('pool-size', { env, prefix: ['taskset', '-c', cpu] })
  t.is(code, 0, stderr)
  t.like(JSON.parse(stdout), { own: 1, shared: 1 })
})

onLinux('names its threads', async (t) => {
  openPool(t, { threads: 3, name: 'named' })
  await until(() => threadsNamed('named-').length === 3)
  t.deepEqual(
    threadsNamed('named-').map(({ name }) => name),
    ['named-0', 'named-1', 'named-2'],
  )
})

onLinux('names its threads as far as the system lets it', async (t) => {
  const name = 'longer-than-the-system-allows'
  openPool(t, { threads: 1, name })
  await until(() => threadsNamed(name).length === 1)
  t.is(threadsNamed(name)[0].name, name.slice(0, LONGEST_NAME))
})

onLinux('has its threads stand back behind the event loop', async (t) => {
  const own = os.getPriority()
  for (const niceness of [0, 4, 19]) {
    const name = `nice-${niceness}`
    openPool(t, { threads: 2, name, niceness })
    const expected = Math.min(own + niceness, 19)
    await until(() => threadsNamed(`${name}-`).filter((thread) => thread.niceness === expected).length === 2)
    t.is(os.getPriority(), own, 'and nobody else')
  }
  openPool(t, { threads: 1, name: 'by-default', niceness: undefined })
  await until(() => threadsNamed('by-default')[0]?.niceness === Math.min(own + 4, 19))
})
