// Where there is no memory for a call, it ends with an error, and the process goes on. (Node-API's own function for an
// ArrayBuffer would end it.)
import { spawnSync } from 'node:child_process'
import test from 'ava'
import { runFixture } from '../helpers/child.mjs'

const hasLimits = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0
const testWithLimits = hasLimits ? test : test.skip

/** By kernel and hand-over: whether the call asks for as much memory again as its input has. */
const ASKS = {
  hash: { copy: true, transfer: false, shared: false, frozen: false },
  sort: { copy: true, transfer: true, shared: true },
  heavyLoadShared: { transfer: false, shared: false },
}

testWithLimits('every form and hand-over: an error, and the input stays', async (t) => {
  const { code, signal, stdout, stderr } = await runFixture('memory-limit', { flags: ['--expose-gc'] })
  t.is(signal, null, stderr)
  t.is(code, 0, stderr)
  const { outcomes, texts, numbers, ...after } = JSON.parse(stdout)
  const expected = {}
  for (const [kernel, handOvers] of Object.entries(ASKS)) {
    for (const form of ['', 'Sync', 'Async']) {
      for (const [how, asks] of Object.entries(handOvers)) {
        expected[`${kernel}${form} ${how}`] = asks
          ? { ended: 'ERR_OUT_OF_MEMORY', kept: true }
          : { ended: 'value', kept: how !== 'transfer' }
      }
    }
  }
  t.deepEqual(outcomes, expected)
  const none = 'ERR_OUT_OF_MEMORY'
  // What is of the wrong type may be seen to be before there is no memory to say so.
  const wrong = { input: 'ERR_INVALID_ARG_TYPE', sync: 'ERR_INVALID_ARG_TYPE', option: 'ERR_INVALID_ARG_VALUE' }
  for (const [name, code] of Object.entries(wrong))
    t.true([none, code].includes(texts[name]), `${name}: ${texts[name]}`)
  t.like(texts, { key: none, name: 'ERR_INVALID_ARG_VALUE' })
  t.deepEqual([...new Set(Object.values(numbers))], [true])
  t.deepEqual(after, { sorted: [1, 2, 3], queued: 0, running: 0 })
})
