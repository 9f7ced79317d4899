// offload: whatever goes wrong while an error is answered, the promise of the route does not reject, and the client is not left waiting.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { heavyLoad } from 'heavy-load'
import { offload } from 'heavy-load/express'
import { EXPRESS, KINDS, ours, serve } from '../helpers/http-servers.mjs'
import { until } from '../helpers/turns.mjs'

const circle = {}
circle.itself = circle
const withProperty = (name, value) => Object.defineProperty(new Error('odd'), name, { value })

/** Errors that JSON does not take, or that do not let themselves be looked at. */
const ODD = {
  'a code that is a BigInt': withProperty('code', 10n),
  'a code that is a circle': withProperty('code', circle),
  'a stack that is a BigInt': withProperty('stack', 1n),
  'nothing at all': Object.create(null),
  'a code that throws': Object.defineProperty(new Error('odd'), 'code', {
    get() {
      throw new Error('of the code')
    },
  }),
}

/** The route, and what has become of the promises that it has returned. */
function watch(route) {
  const ends = []
  const watched = (...args) => {
    const end = route(...args)
    ends.push(
      Promise.resolve(end).then(
        () => 'resolved',
        () => 'rejected',
      ),
    )
  }
  return { watched, ends }
}

for (const kind of KINDS) {
  for (const [about, error] of Object.entries(ODD)) {
    test(`${kind}: ${about} is answered, thrown or handed on`, async (t) => {
      for (const handler of [() => Promise.reject(error), (_request, _task, _response, next) => next(error)]) {
        const { watched, ends } = watch(offload(handler))
        const { url } = await serve(t, kind, watched)
        const response = await fetch(url)
        t.is(response.status, 500)
        await response.text()
        t.deepEqual(await Promise.all(ends), ['resolved'])
      }
    })
  }

  test(`${kind}: an error whose status is not to be written is answered`, async (t) => {
    for (const error of [
      Object.defineProperty(ours('ERR_REMOTE'), 'status', { value: 1 }),
      Object.freeze(ours('ERR_REMOTE')),
    ]) {
      const { watched, ends } = watch(offload(() => Promise.reject(error), { errors: 'next' }))
      const { url } = await serve(t, kind, watched)
      const response = await fetch(url)
      t.true(response.status >= 500)
      await response.text()
      t.deepEqual(await Promise.all(ends), ['resolved'])
    }
  })

  test(`${kind}: when nothing else is left, the client is cut off`, async (t) => {
    const spoil = (_request, response, next) => {
      response.setHeader = () => {
        throw new Error('of setHeader')
      }
      response.writeHead = response.setHeader
      next()
    }
    const { watched, ends } = watch((request, response) =>
      offload(() => Promise.reject(ours('ERR_REMOTE')))(request, response, () => {
        throw new Error('of next')
      }),
    )
    const { url } = await serve(t, kind, watched, { before: [spoil] })
    await t.throwsAsync(fetch(url))
    t.deepEqual(await Promise.all(ends), ['resolved'])
  })

  test(`${kind}: once it is handed on, nothing is answered but by the next`, async (t) => {
    const failures = [(task) => heavyLoad(-1, task), () => Promise.reject(new Error('late')), () => 'a value']
    for (const fail of failures) {
      for (const options of [
        {},
        { errors: 'next' },
        { onError: (_error, _request, response) => response.end('late') },
      ]) {
        let answer
        const route = async (_request, task, _response, next) => {
          next()
          await sleep(0)
          return fail(task)
        }
        const { watched, ends } = watch((request, response) =>
          offload(route, options)(request, response, (error) => {
            t.is(error, undefined)
            answer = () => response.end('second')
          }),
        )
        const { url, errors } = await serve(t, kind, watched)
        const asked = fetch(url)
        await until(() => ends.length === 1, 'the route')
        t.deepEqual(await Promise.all(ends), ['resolved'])
        answer()
        const response = await asked
        t.is(response.status, 200)
        t.is(await response.text(), 'second')
        t.deepEqual(errors, [])
      }
    }
  })
}

test('node:http: what the next throws at once is answered', async (t) => {
  const { watched, ends } = watch((request, response) =>
    offload((_request, _task, _response, next) => next())(request, response, (error) => {
      if (error === undefined) throw new Error('of next')
      response.statusCode = 500
      response.end(error.message)
    }),
  )
  const { url } = await serve(t, 'node:http', watched)
  const response = await fetch(url)
  t.is(await response.text(), 'of next')
  t.deepEqual(await Promise.all(ends), ['resolved'])
})

for (const [kind, express] of Object.entries(EXPRESS)) {
  test(`${kind}: a json replacer of the app's that throws is an error of the app's`, async (t) => {
    const app = express()
    const mistake = new Error('of the replacer')
    app.set('env', 'test')
    app.set('json replacer', (key, value) => {
      if (key === 'error') throw mistake
      return value
    })
    const { watched, ends } = watch(offload((_request, task) => heavyLoad(-1, task)))
    app.get('/', watched)
    const errors = []
    app.use((error, _request, _response, next) => next(error, errors.push(error)))
    const server = app.listen(0, '127.0.0.1')
    t.teardown(() => server.close())
    await once(server, 'listening')
    const response = await fetch(`http://127.0.0.1:${server.address().port}`)
    t.true(response.status >= 400)
    await response.text()
    t.deepEqual(errors, [mistake])
    t.deepEqual(await Promise.all(ends), ['resolved'])
  })
}
