// Jobs that wait for a worker: by priority, and in order within one.
import test from 'ava'
import { redisFor, withRedis } from '../helpers/redis.mjs'
import { eventually, openClient, openRemote, openWorker } from '../helpers/remote-open.mjs'

const JOBS = ['low', 'normal', 'high', 'high', 'low', 'normal', undefined, 'low', 'high']

withRedis(test, 'priorities of remote pools', () => {
  const redis = redisFor(test)

  test.serial('high, normal, low; first in, first out', async (t) => {
    const remote = openRemote(t, redis)
    const client = openClient(t, redis)
    const order = []
    const tasks = JOBS.map(async (priority, number) => {
      await remote.run('heavyLoad', number, { priority })
      order.push(`${priority ?? 'normal'} ${number}`)
    })
    const queued = async () => {
      const [high, others] = await Promise.all([
        client.llen(`bull:${remote.name}:wait`),
        client.zcard(`bull:${remote.name}:prioritized`),
      ])
      return high + others === JOBS.length
    }
    await eventually(queued, 'all jobs in the queue')
    await openWorker(t, redis, remote, { concurrency: 1 })
    await Promise.all(tasks)
    const expected = ['high', 'normal', 'low'].flatMap((name) =>
      JOBS.flatMap((priority = 'normal', number) => (priority === name ? [`${name} ${number}`] : [])),
    )
    t.deepEqual(order, expected)
  })
})
