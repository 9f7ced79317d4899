// Which tasks are sent without their options: one that has any must not be.
import { createRequire } from 'node:module'
import test from 'ava'

const require = createRequire(import.meta.url)
const { TASK_OPTIONS, WITHOUT_OPTIONS, saysNothing, taskSettings } = require('../../lib/options.js')
/** Of every option of a task a value that says something. */
const VALUES = {
  signal: new AbortController().signal,
  timeout: 1000,
  priority: 'low',
  key: 'a',
  weight: 2,
  maxThreads: 1,
  onProgress: () => undefined,
}
/** Where a task goes, and how its input does, is looked at elsewhere. */
const ELSEWHERE = new Set(['pool', 'transfer'])

test('an option that is given is sent, whichever it is', (t) => {
  for (const name of TASK_OPTIONS) {
    if (ELSEWHERE.has(name)) continue
    t.true(name in VALUES, `this test lacks a value of ${name}`)
    t.false(saysNothing(taskSettings({ [name]: VALUES[name] })), name)
  }
})

test('what says nothing is sent without options', (t) => {
  t.true(saysNothing(WITHOUT_OPTIONS))
  t.true(saysNothing(taskSettings({})))
  t.true(saysNothing(taskSettings({ priority: 'normal', weight: 1, signal: [] })))
})
