// The command line with a real Redis: `worker`, and `run` on workers.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { RemotePool } from 'heavy-load/remote'
import { Redis } from 'ioredis'
import { freePort, startRedis } from '../../tools/redis.mjs'
import { runCli, startCli, without, written } from '../helpers/cli.mjs'
import { withRedis } from '../helpers/redis.mjs'
import { eventually } from '../helpers/remote-open.mjs'

/** Minutes of work: whoever sees the end of it has stopped it. */
const ENDLESS = 1e13
/** What every way of writing the password has in it. */
const SECRET = 'S3CRET'
const PASSWORD = `p@ss/${SECRET}:"%é`

withRedis(test, 'heavy-load worker', workerTests)

test.serial('without a Redis it ends and says so', async (t) => {
  const url = `redis://:${SECRET}@127.0.0.1:${await freePort()}`
  const { code, stdout, stderr } = await runCli(['worker'], { env: { REDIS_URL: url } })
  t.is(code, 1)
  t.regex(stderr, /^heavy-load: ERR_REMOTE: Redis at 127\.0\.0\.1:\d+ did not answer .* ECONNREFUSED .*\n$/)
  t.is(stdout, '')
})

test.serial('it can be ended while it waits for Redis', async (t) => {
  const port = await freePort()
  const args = ['worker', '--redis', `redis://127.0.0.1:${await freePort()}`, '--metrics-port', String(port)]
  const { child, end } = startCli(args)
  await eventually(
    async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => ({}))).status === 503,
    'a health that is bad',
  )
  child.kill('SIGTERM')
  t.like(await end, { code: 0, signal: null, stderr: '' })
})

test.serial('without the packages that it needs it says how to install them', async (t) => {
  for (const [args, hidden, message] of [
    [['worker'], 'bullmq', /ERR_REMOTE: heavy-load\/remote needs .*: npm install bullmq ioredis/],
    [['worker'], 'ioredis', /ERR_REMOTE: heavy-load\/remote needs .*: npm install bullmq ioredis/],
    [
      ['run', 'spin', '1', '--queue', 'q'],
      'bullmq',
      /ERR_REMOTE: heavy-load\/remote needs .*: npm install bullmq ioredis/,
    ],
    [
      ['worker', '--metrics-port', '0'],
      'prom-client',
      /MODULE_NOT_FOUND: --metrics-port needs .*: npm install prom-client/,
    ],
  ]) {
    const { code, stderr } = await runCli(args, { env: without(hidden) })
    t.is(code, 1)
    t.regex(stderr, message)
  }
})

test.serial('a port that is taken is a failure', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await new Promise((resolve) => other.once('listening', resolve))
  const { code, stderr } = await runCli(['worker', '--metrics-port', String(other.address().port)])
  t.is(code, 1)
  t.regex(stderr, /^heavy-load: EADDRINUSE: .*\n$/)
})

function workerTests() {
  let redis
  let url
  let queues = 0

  test.serial.before(async () => {
    redis = await startRedis({ more: ['--requirepass', PASSWORD] })
    url = `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${redis.port}/0`
  })

  test.serial.beforeEach((t) => {
    t.context.queue = `queue-${queues++}`
  })

  test.after.always(() => redis?.stop())

  /** With the test's queue and Redis. */
  function start(t, args, { REDIS_URL = url, ...env } = {}) {
    const started = startCli([...args, '--queue', t.context.queue], { env: { REDIS_URL, ...env } })
    t.teardown(() => {
      started.child.kill('SIGKILL')
      return started.end
    })
    return started
  }

  async function startWorker(t, args = [], env = {}) {
    const worker = start(t, ['worker', ...args], env)
    await worker.says(/takes jobs of/)
    return worker
  }

  function run(t, args, env) {
    return start(t, ['run', ...args], env).end
  }

  /** A worker's metrics, when it runs so many tasks. */
  async function running(worker, count) {
    const [, address] = await worker.says(/metrics at (\S+)\n/)
    let metrics
    await eventually(async () => {
      metrics = await (await fetch(address)).text()
      return metrics.includes(`\nheavy_load_running{pool="heavy-load"} ${count}\n`)
    }, `${count} tasks`)
    return metrics
  }

  /** A task of this process that a worker has begun. */
  async function beginTask(t, kernel, input, connection = url) {
    const pool = new RemotePool({ connection, queue: t.context.queue })
    const controller = new AbortController()
    const outcome = { settled: false, end }
    const begun = new Promise((resolve) => {
      const options = { signal: controller.signal, onProgress: () => resolve(undefined) }
      outcome.result = pool.run(kernel, input, options).then(
        (value) => value,
        (error) => error.code,
      )
    })
    outcome.result.then(() => {
      outcome.settled = true
    })
    t.teardown(end)
    await begun
    return outcome

    /** While its worker lives: another would have to wait for that one's death to be noticed. */
    function end() {
      controller.abort()
      return pool.close()
    }
  }

  test.serial('a worker says where it takes jobs, and does those of run', async (t) => {
    const worker = await startWorker(t, ['--threads', '2', '--concurrency', '5'])
    const [line] = await worker.says(/.*\n/)
    const place = `'${t.context.queue}' at 127.0.0.1:${redis.port}`
    t.is(line, `heavy-load worker: takes jobs of ${place}: 2 threads, concurrency 5\n`)
    for (const [args, stdout] of [
      [['heavyLoad', '1e6'], '1000000\n'],
      [['sort', '[3, 1, 2]'], '[1,2,3]\n'],
      [['heavyLoadShared', '[1, 0]', '--rounds', '2'], '[67634689,0]\n'],
      [['hash', 'abc', '--algorithm', 'crc32', '--encoding', 'hex'], '352441c2\n'],
    ]) {
      t.like(await run(t, args), { code: 0, stdout, stderr: '' })
    }
  })

  test.serial('failures on a worker are failures of run', async (t) => {
    await startWorker(t)
    t.like(await run(t, ['heavyLoad', 'many']), { code: 1, stdout: '' })
    const { code, stderr } = await run(t, ['spin', String(ENDLESS), '--timeout', '300'])
    t.is(code, 1)
    t.regex(stderr, /^heavy-load: ERR_TASK_TIMEOUT: .*\n$/)
  })

  test.serial('a queue of another prefix is another queue', async (t) => {
    await startWorker(t, ['--prefix', 'other'])
    t.like(await run(t, ['heavyLoad', '10', '--prefix', 'other']), { code: 0, stdout: '10\n' })
    const { stderr } = await run(t, ['heavyLoad', '10', '--timeout', '2000'])
    t.regex(stderr, /^heavy-load: ERR_REMOTE: .*\(No worker takes jobs of the queue 'queue-\d+'\)\n$/)
  })

  test.serial('the password cannot be seen from outside', async (t) => {
    const env = { REDIS_URL: '' }
    const worker = await startWorker(t, ['--redis', url, '--metrics-port', '0'], env)
    const task = start(t, ['run', 'heavyLoad', String(ENDLESS), '--redis', url], env)
    await running(worker, 1)
    if (process.platform === 'linux') {
      t.regex(readFileSync(`/proc/${worker.child.pid}/cmdline`, 'latin1'), /^heavy-load worker\0*$/)
      t.regex(readFileSync(`/proc/${task.child.pid}/cmdline`, 'latin1'), /^heavy-load run\0*$/)
    }
    task.child.kill('SIGINT')
    t.is((await task.end).code, 130)
  })

  test.serial('a wrong password is a failure that shows none', async (t) => {
    const wrong = `redis://:wrong${SECRET}@127.0.0.1:${redis.port}`
    for (const command of [['worker'], ['run', 'spin', '1']]) {
      const { code, stdout, stderr } = await start(t, command, { REDIS_URL: wrong }).end
      t.is(code, 1)
      t.regex(stderr, /^heavy-load: ERR_REMOTE: Redis at 127\.0\.0\.1:\d+ refuses the connection \(WRONGPASS .*\)\n$/)
      t.is(stdout, '')
    }
  })

  test.serial('who else tells the password does not show it either', async (t) => {
    const fixture = fileURLToPath(new URL('../fixtures/cli-tells-url.cjs', import.meta.url))
    const worker = await startWorker(t, [], { NODE_OPTIONS: `--require "${fixture}"` })
    worker.child.kill('SIGUSR2')
    const { code, stderr } = await worker.end
    t.is(code, 1)
    t.true(stderr.includes(`args: [ '***' ] } } redis://:***@127.0.0.1:${redis.port}/0`), stderr)
    t.true(stderr.includes('["***"]'), stderr)
    t.true(stderr.endsWith(`heavy-load: Cannot connect to redis://:***@127.0.0.1:${redis.port}/0 with ***\n`), stderr)
  })

  test.serial('rediss: is TLS', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'heavy-load-tls-'))
    t.teardown(() => rm(folder, { recursive: true }))
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name))
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
    const files = ['-keyout', key, '-out', cert]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject], {
      stdio: 'ignore',
    })
    const port = String(await freePort())
    const certificate = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-auth-clients', 'no']
    const secured = await startRedis({ port: 0, more: ['--tls-port', port, ...certificate, '--requirepass', PASSWORD] })
    t.teardown(() => secured.stop())
    const REDIS_URL = `rediss://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`
    const env = { REDIS_URL, NODE_EXTRA_CA_CERTS: cert }
    const worker = await startWorker(t, [], env)
    await worker.says(new RegExp(`at 127\\.0\\.0\\.1:${port} \\(TLS\\): `))
    t.like(await run(t, ['sort', '[2, 1]'], env), { code: 0, stdout: '[1,2]\n', stderr: '' })
    worker.child.kill('SIGTERM')
    t.like(await worker.end, { code: 0, signal: null })
    // Whose certificate is not known is not trusted.
    const { code, stderr } = await run(t, ['spin', '1', '--timeout', '20000'], { REDIS_URL })
    t.is(code, 1)
    t.regex(stderr, /^heavy-load: ERR_REMOTE: .*\(DEPTH_ZERO_SELF_SIGNED_CERT: .*\)\n$/)
  })

  for (const signal of ['SIGTERM', 'SIGINT']) {
    test.serial(`${signal} finishes the job that runs`, async (t) => {
      const worker = await startWorker(t)
      const { result } = await beginTask(t, 'spin', 300)
      worker.child.kill(signal)
      await worker.says(new RegExp(`${signal}: takes no more jobs`))
      t.true((await result) >= 300)
      t.like(await worker.end, { code: 0, signal: null, stdout: '' })
    })
  }

  test.serial('a second signal gives the jobs back at once, and another worker begins them', async (t) => {
    const port = await freePort()
    const worker = await startWorker(t, ['--metrics-port', String(port)])
    const task = await beginTask(t, 'heavyLoad', ENDLESS)
    t.is((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200)
    worker.child.kill('SIGTERM')
    await worker.says(/SIGTERM: takes no more jobs/)
    t.is((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 503)
    worker.child.kill('SIGTERM')
    const { code, stderr } = await worker.end
    t.is(code, 0)
    t.regex(stderr, /SIGTERM: gives its jobs back\n.*has ended\n$/)
    await running(await startWorker(t, ['--metrics-port', '0']), 1)
    t.false(task.settled)
    await task.end()
  })

  test.serial('what is not done within --timeout is given back', async (t) => {
    for (const timeout of ['200', '0']) {
      const worker = await startWorker(t, ['--timeout', timeout])
      const task = await beginTask(t, 'heavyLoad', ENDLESS)
      worker.child.kill('SIGTERM')
      t.like(await worker.end, { code: 0, signal: null })
      t.false(task.settled)
    }
  })

  test.serial('/livez and /readyz need no package, and tell when it takes no jobs', async (t) => {
    const own = await startRedis()
    t.teardown(() => own.stop())
    const env = { ...without('prom-client'), REDIS_URL: own.url }
    const worker = await startWorker(t, ['--health-port', '0'], env)
    const [, address] = await worker.says(/health at (\S+)\n/)
    const status = async (path) => (await fetch(new URL(path, address))).status
    t.is(new URL(address).pathname, '/readyz')
    t.deepEqual([await status('/livez'), await status('/readyz'), await status('/metrics')], [200, 200, 404])
    // Redis is away.
    await own.end()
    await eventually(async () => (await status('/readyz')) === 503, 'not ready')
    t.is(await status('/livez'), 200)
    await own.restart()
    await eventually(async () => (await status('/readyz')) === 200, 'ready again')
    // It takes its leave.
    const task = await beginTask(t, 'spin', 1500, own.url)
    worker.child.kill('SIGTERM')
    await worker.says(/SIGTERM: takes no more jobs, finishes those it has within 20000 ms/)
    t.deepEqual([await status('/livez'), await status('/readyz')], [200, 503])
    t.true((await task.result) >= 1500)
    t.like(await worker.end, { code: 0, signal: null })
  })

  test.serial('with metrics, they are at one port', async (t) => {
    const worker = await startWorker(t, ['--metrics-port', '0'])
    const [, address] = await worker.says(/metrics at (\S+)\n/)
    for (const path of ['/metrics', '/livez', '/readyz']) t.is((await fetch(new URL(path, address))).status, 200, path)
  })

  test.serial("a job's lock, after which another worker has it, is of seconds, or of --lock-duration", async (t) => {
    const client = new Redis(url)
    t.teardown(() => client.disconnect())
    for (const [args, least, most] of [
      [[], 0, 3000],
      [['--lock-duration', '60000'], 25_000, 60_000],
    ]) {
      const worker = await startWorker(t, args)
      const task = await beginTask(t, 'heavyLoad', ENDLESS)
      const [lock] = await client.keys(`bull:${t.context.queue}:*:lock`)
      const left = await client.pttl(lock)
      t.true(left > least && left <= most, `${left} ms`)
      await task.end()
      worker.child.kill('SIGTERM')
      await worker.end
    }
  })

  test.serial('/metrics are those of its pool', async (t) => {
    const worker = await startWorker(t, ['--threads', '2', '--metrics-port', '0'])
    const [, address] = await worker.says(/metrics at (\S+)\n/)
    t.is((await run(t, ['heavyLoad', '10'])).code, 0)
    const response = await fetch(address)
    t.regex(response.headers.get('content-type'), /^text\/plain; .*version=/)
    const text = await response.text()
    t.regex(text, /^heavy_load_tasks_total\{pool="heavy-load",kernel="heavyLoad",outcome="completed"\} 1$/m)
    t.regex(text, /^heavy_load_threads\{pool="heavy-load"\} 2$/m)
    t.is((await fetch(new URL('/', address))).status, 404)
  })

  test.serial('Ctrl-C stops a run on a worker too', async (t) => {
    const worker = await startWorker(t, ['--metrics-port', '0'])
    const task = start(t, ['run', 'heavyLoad', String(ENDLESS)])
    await running(worker, 1)
    task.child.kill('SIGINT')
    t.like(await task.end, { code: 130, signal: null, stdout: '', stderr: '' })
    t.regex(await running(worker, 0), /outcome="cancelled"\} 1$/m)
  })

  test.serial('a Redis that goes away is told once, and taken again when it comes back', async (t) => {
    let other = await startRedis()
    t.teardown(() => other.stop())
    const env = { REDIS_URL: other.url }
    const worker = await startWorker(t, [], env)
    await other.stop()
    await worker.says(/ECONNREFUSED/)
    other = await startRedis({ port: other.port })
    await worker.says(/: takes jobs of 'queue-\d+' at \S+ again\n/)
    t.like(await run(t, ['heavyLoad', '10'], env), { code: 0, stdout: '10\n' })
    worker.child.kill('SIGTERM')
    const { code, stderr } = await worker.end
    t.is(code, 0)
    const lines = stderr.split('\n')
    t.deepEqual(lines, [...new Set(lines)])
  })

  test.serial('it ends also if Redis is away', async (t) => {
    const other = await startRedis()
    const worker = await startWorker(t, ['--timeout', '100'], { REDIS_URL: other.url })
    await other.stop()
    await worker.says(/ECONNREFUSED/)
    worker.child.kill('SIGTERM')
    const { signal, stderr } = await worker.end
    t.is(signal, null)
    t.regex(stderr, /SIGTERM: takes no more jobs/)
  })

  // After all others: it looks at what they have written.
  test.serial('nowhere has a password been written', (t) => {
    t.true(written.length > 50)
    for (const text of written) t.notRegex(text, new RegExp(SECRET, 'i'))
  })
}
