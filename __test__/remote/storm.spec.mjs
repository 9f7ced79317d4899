// Everything at once: workers are killed at random and Redis is restarted while hundreds of tasks are on their way.
import test from 'ava'
import { startRedis } from '../../tools/redis.mjs'
import { randomFrom } from '../helpers/random.mjs'
import { withRedis } from '../helpers/redis.mjs'
import { eventually, nothingLeft, openClient, openRemote } from '../helpers/remote-open.mjs'
import { forkWorker } from '../helpers/remote-worker.mjs'

const TASKS = 500
const KILLS = 5

withRedis(test, 'workers that die while Redis restarts', () => {
  test(`${TASKS} tasks, ${KILLS} killed workers and a restart of Redis: each has its right result, once`, async (t) => {
    const seed = Number(process.env.HEAVY_LOAD_SEED ?? Date.now() % 2 ** 31)
    t.log(`HEAVY_LOAD_SEED=${seed}`)
    const random = randomFrom(seed)
    const redis = await startRedis({ appendonly: true })
    t.teardown(redis.stop)
    // A task may be unlucky several times.
    const remote = openRemote(t, redis, { attempts: KILLS + 5 })
    const client = openClient(t, redis)
    const start = () => forkWorker(t, redis, remote, { lockDuration: 500, concurrency: 8 })
    const workers = await Promise.all([start(), start(), start()])

    let settled = 0
    const times = new Array(TASKS).fill(0)
    const tasks = times.map(async (_, number) => {
      const value = await taskOf(remote, number)
      times[number]++
      settled++
      return value
    })
    // Spread over the whole: each at a point between 5 % and 75 % of the tasks.
    const points = Array.from({ length: KILLS }, () => Math.floor(TASKS * (0.05 + 0.7 * random()))).sort(
      (a, b) => a - b,
    )
    const restartAt = Math.floor(TASKS * (0.1 + 0.6 * random()))
    const killing = (async () => {
      for (const point of points) {
        await eventually(() => settled >= point, `${point} tasks`)
        const victim = Math.floor(workers.length * random())
        const [, signal] = await workers[victim].kill()
        t.is(signal, 'SIGKILL')
        workers[victim] = await start()
      }
    })()
    const restarting = (async () => {
      await eventually(() => settled >= restartAt, `${restartAt} tasks`)
      await redis.end('SIGKILL')
      await redis.restart()
    })()

    const values = await Promise.all(tasks)
    await Promise.all([killing, restarting])
    t.deepEqual(
      values,
      times.map((_, number) => expected(number)),
    )
    t.deepEqual(times, new Array(TASKS).fill(1))
    await nothingLeft(t, client, remote)
  })
})

/** Every third with bytes, both ways; the others long enough for some to run whenever a worker dies. */
async function taskOf(remote, number) {
  if (number % 3 === 0) {
    const sorted = await remote.run('sort', Uint32Array.of(number + 1, number), { transfer: true })
    return Array.from(sorted)
  }
  return remote.run('heavyLoad', 2e7 + number)
}

function expected(number) {
  return number % 3 === 0 ? [number, number + 1] : 2e7 + number
}
