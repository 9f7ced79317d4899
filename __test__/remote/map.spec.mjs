// `map` over a remote pool.
import test from 'ava'
import { idle } from '../helpers/pool.mjs'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { nothingLeft, openAll } from '../helpers/remote-open.mjs'

const INPUTS = Array.from({ length: 100 }, (_, number) => (number * 37) % 100)

withRedis(test, 'map over remote pools', () => {
  const redis = redisFor(test)

  test.serial('in the order of the inputs', async (t) => {
    const { remote, client } = await openAll(t, redis)
    const results = []
    for await (const result of remote.map('heavyLoad', INPUTS)) results.push(result)
    t.deepEqual(
      results,
      INPUTS.map((value, index) => ({ index, value })),
    )
    await nothingLeft(t, client, remote)
  })

  test.serial('as they come', async (t) => {
    const { remote, client } = await openAll(t, redis)
    const indices = []
    // The first takes longer than all others.
    const inputs = [400, ...Array(20).fill(1)]
    for await (const { index, value } of remote.map('spin', inputs, { ordered: false })) {
      t.true(value >= inputs[index])
      indices.push(index)
    }
    t.not(indices[0], 0)
    t.deepEqual(
      indices.sort((one, other) => one - other),
      inputs.map((_, index) => index),
    )
    await nothingLeft(t, client, remote)
  })

  test.serial('leaving the loop cancels what is left', async (t) => {
    const { remote, client, worker } = await openAll(t, redis)
    let pulled = 0
    let closed = false
    function* inputs() {
      try {
        for (;;) yield pulled++ === 0 ? 1 : 1e12
      } finally {
        closed = true
      }
    }
    for await (const { index } of remote.map('spin', inputs(), { concurrency: 8 })) {
      t.is(index, 0)
      break
    }
    t.true(closed)
    t.true(pulled <= 9, 'no more than has been consumed, and 8')
    await nothingLeft(t, client, remote)
    await idle(worker.pool)
    t.is(await remote.run('heavyLoad', 1000), 1000)
  })

  test.serial('an input that is wrong ends the loop with its error', async (t) => {
    const { remote, client } = await openAll(t, redis)
    const loop = async () => {
      for await (const { value } of remote.map('heavyLoad', [1, 2, -1, 1e15, 1e15])) t.true(value < 3)
    }
    await t.throwsAsync(loop(), { code: 'ERR_OUT_OF_RANGE' })
    await nothingLeft(t, client, remote)
  })
})
