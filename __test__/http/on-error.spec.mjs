// offload: who answers errors, where it is not to be offload itself; by every adapter.
import test from 'ava'
import { ADAPTERS, EXPRESS, ours, serveHandler } from '../helpers/http-servers.mjs'

const overloaded = () => ours('ERR_POOL_OVERLOADED', { retryAfter: 90 })

for (const kind of ADAPTERS) {
  test(`${kind}: onError answers, ours and others`, async (t) => {
    for (const [error, status] of [
      [overloaded(), 503],
      [ours('ERR_OUT_OF_RANGE'), 400],
      [ours('ERR_OUT_OF_RANGE', {}, 'call'), undefined],
      [Object.assign(new Error('of Node'), { code: 'ERR_OUT_OF_RANGE' }), undefined],
    ]) {
      const seen = []
      const onError = (error, request, response, next) => {
        seen.push(error)
        t.is(error.status, status)
        t.true(request.headers.host.length > 0)
        t.is(typeof next, kind === 'Fastify' ? 'undefined' : 'function')
        if (kind === 'Fastify') return response.code(418).send('own')
        response.statusCode = 418
        response.end('own')
      }
      const { url, errors } = await serveHandler(t, kind, () => Promise.reject(error), { onError })
      const response = await fetch(url)
      t.is(response.status, 418)
      t.is(await response.text(), 'own')
      t.deepEqual(seen, [error])
      t.deepEqual(errors, [])
    }
  })

  test(`${kind}: an onError that throws is an error of the app's`, async (t) => {
    const another = new Error('another')
    const onError = async () => Promise.reject(another)
    const { url, errors } = await serveHandler(t, kind, () => Promise.reject(overloaded()), { onError })
    const response = await fetch(url)
    t.is(response.status, 500)
    await response.text()
    t.deepEqual(errors, kind === 'node:http' ? [] : [another])
  })

  test(`${kind}: errors: 'next' hands ours on, with the status that they would have had`, async (t) => {
    const error = overloaded()
    const { url, errors } = await serveHandler(t, kind, () => Promise.reject(error), { errors: 'next' })
    const response = await fetch(url)
    t.is(response.status, 503)
    t.is(response.headers.get('retry-after'), '60')
    t.deepEqual(errors, kind === 'node:http' ? [] : [error])
    if (kind !== 'node:http') t.like(error, { status: 503, retryAfter: 60 })
  })
}

for (const kind of Object.keys(EXPRESS)) {
  test(`${kind}: onError may hand on`, async (t) => {
    const error = overloaded()
    const onError = (error, _request, _response, next) => next(error)
    const { url, errors } = await serveHandler(t, kind, () => Promise.reject(error), { onError })
    t.is((await fetch(url)).status, 503)
    t.deepEqual(errors, [error])
  })
}
