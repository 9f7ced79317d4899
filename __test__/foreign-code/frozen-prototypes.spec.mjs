// Hardened environments (SES, `node --frozen-intrinsics`) freeze the prototypes that the language comes with. An assignment to a name that
// such a prototype has throws, so that neither loading the package nor making an error may do that.
import test from 'ava'
import { runScript } from '../helpers/child.mjs'

const FREEZE = `
  for (const { prototype } of [Error, TypeError, RangeError, Object, Function, Array, Promise]) Object.freeze(prototype)
`

test('all works where the prototypes of errors are frozen', async (t) => {
  const { code, signal, stdout, stderr } = await runScript(`
    ${FREEZE}
    const { hash, heavyLoad, heavyLoadSync, heavyLoadAsync, HeavyLoadError, Pool, sort } = await import('heavy-load')
    await import('heavy-load/remote')
    const { offload } = await import('heavy-load/express')
    const { createServer } = await import('node:http')
    const told = ({ name, code, message, cause, retryAfter, constructor }) =>
      ({ name, code, message: typeof message, cause: cause?.name, retryAfter: typeof retryAfter, of: constructor.name })
    const failed = (promise) => promise.then(() => 'no error', told)
    const small = new Pool({ threads: 1, maxQueue: 1 })
    const endless = [small.run('heavyLoad', 1e13), small.run('heavyLoad', 1e13)]
    const errors = {
      value: await heavyLoad(1000),
      type: await failed(heavyLoad('x')),
      range: await failed(heavyLoad(-1)),
      option: await failed(heavyLoad(1, { timeuot: 1 })),
      aborted: await failed(heavyLoad(1, { signal: AbortSignal.abort() })),
      timeout: await failed(heavyLoad(1e13, { timeout: 1 })),
      libuv: await failed(heavyLoadAsync(1e13, { timeout: 1 })),
      full: await failed(small.run('heavyLoad', 1)),
    }
    try {
      heavyLoadSync(1e13, { timeout: 1 })
    } catch (error) {
      errors.sync = told(error)
    }
    const ended = Promise.all(endless.map(failed))
    await small.close({ force: true })
    errors.closed = (await ended)[0]
    errors.afterwards = await failed(small.run('heavyLoad', 1))
    const handle = offload(() => small.run('heavyLoad', 1), { errors: 'next' })
    const passedOn = new Promise((resolve) => {
      const server = createServer((request, response) => handle(request, response, (error) => {
        resolve(error.status)
        response.end()
        server.close()
      }))
      server.listen(0, '127.0.0.1', () => fetch('http://127.0.0.1:' + server.address().port).then((answer) => answer.text()))
    })
    console.log(JSON.stringify({ ...errors, passedOn: await passedOn }))
  `)
  t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
  const error = (of, code, { name = of, cause, retryAfter = 'undefined' } = {}) => ({
    name,
    code,
    message: 'string',
    ...(cause && { cause }),
    retryAfter,
    of,
  })
  t.deepEqual(JSON.parse(stdout), {
    value: 1000,
    type: error('TypeError', 'ERR_INVALID_ARG_TYPE'),
    range: error('RangeError', 'ERR_OUT_OF_RANGE'),
    option: error('TypeError', 'ERR_INVALID_ARG_VALUE'),
    aborted: error('AbortError', 'ABORT_ERR', { cause: 'AbortError' }),
    timeout: error('TimeoutError', 'ERR_TASK_TIMEOUT'),
    libuv: error('TimeoutError', 'ERR_TASK_TIMEOUT'),
    full: error('HeavyLoadError', 'ERR_POOL_OVERLOADED', { retryAfter: 'number' }),
    sync: error('TimeoutError', 'ERR_TASK_TIMEOUT'),
    closed: error('HeavyLoadError', 'ERR_POOL_CLOSED'),
    afterwards: error('HeavyLoadError', 'ERR_POOL_CLOSED'),
    passedOn: 503,
  })
})
