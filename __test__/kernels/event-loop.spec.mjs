// What the package is for: the event loop turns while the work is done.
import test from 'ava'
import { heavyLoadSync } from 'heavy-load'
import { promiseFormsOf } from '../helpers/forms.mjs'
import { countTurns } from '../helpers/turns.mjs'

/** About a second of one core. */
const STEPS = 5e9

/** Turns of the event loop between a call and its end. */
async function turnsDuring(run) {
  const turns = countTurns()
  const result = run(STEPS)
  const value = typeof result === 'number' ? result : await result
  return { turns: turns.stop(), value }
}

test.serial('it stands still while the synchronous form runs', async (t) => {
  t.deepEqual(await turnsDuring(heavyLoadSync), { turns: 0, value: STEPS })
})

for (const { name, run } of promiseFormsOf('heavyLoad')) {
  test.serial(`it turns while ${name} runs`, async (t) => {
    const { turns, value } = await turnsDuring(run)
    t.is(value, STEPS)
    // An idle loop turns hundreds of thousands of times in a second; one that waits for the work, once or twice.
    t.true(turns > 500, `${turns} turns`)
  })
}
