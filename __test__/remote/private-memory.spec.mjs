// What is sent to Redis is a copy: whoever sees what the client is given has nothing of the memory that kernels read meanwhile.
import test from 'ava'
import { freeze, hashSync } from 'heavy-load'
import { Command } from 'ioredis'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { openAll } from '../helpers/remote-open.mjs'

const PIECE = 2 ** 21
const LENGTH = 2 * PIECE + 1000
const hex = { encoding: 'hex' }

withRedis(test, 'the memory of a frozen buffer', () => {
  const redis = redisFor(test)

  test.serial('is not given to the client of Redis', async (t) => {
    const { remote } = await openAll(t, redis)
    const seen = []
    Command.setArgumentTransformer('eval', (given) => {
      for (const argument of given) if (Buffer.isBuffer(argument)) seen.push(argument.buffer.byteLength)
      return given
    })
    t.teardown(() => Command.setArgumentTransformer('eval', (given) => given))
    const frozen = freeze(new Uint8Array(LENGTH).fill(7))
    t.is(await remote.run('hash', frozen, hex), hashSync(frozen, hex))
    t.deepEqual(seen, [PIECE, PIECE, 1000])
    t.is(frozen.thaw().length, LENGTH)
  })
})
