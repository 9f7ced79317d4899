// A route's `task` is for every form of a kernel: what a form cannot heed of it is no mistake of the handler's.
import test from 'ava'
import { heavyLoad, heavyLoadAsync, heavyLoadSync, spinAsync, spinSync } from 'heavy-load'
import { errorOf } from '../helpers/errors.mjs'
import { ADAPTERS, serveHandler, timingOf } from '../helpers/http-servers.mjs'
import { openPool } from '../helpers/pool.mjs'

const FORMS = { heavyLoad, heavyLoadAsync, heavyLoadSync }

for (const kind of ADAPTERS) {
  test(`${kind}: all forms take it, whatever the route says of its tasks`, async (t) => {
    const pool = openPool(t, { threads: 1 })
    const options = { key: () => 'tenant', weight: 2, priority: 'low', maxThreads: 1, pool, timeout: 60_000 }
    for (const [name, form] of Object.entries(FORMS)) {
      const { url } = await serveHandler(t, kind, (_request, task) => form(1000, { ...task }), options)
      const response = await fetch(url)
      t.is(response.status, 200, name)
      t.is(await response.text(), '1000', name)
    }
  })

  test(`${kind}: what a handler adds itself is refused as elsewhere`, async (t) => {
    for (const form of [heavyLoadAsync, heavyLoadSync]) {
      const codes = []
      const handler = async (_request, task) => {
        try {
          return await form(1000, { ...task, key: 'mine' })
        } catch ({ code, message }) {
          codes.push(code)
          return message
        }
      }
      const { url } = await serveHandler(t, kind, handler, { key: 'tenant' })
      t.regex(await (await fetch(url)).text(), /^The "options\.key" property is unknown here/)
      t.deepEqual(codes, ['ERR_INVALID_ARG_VALUE'])
    }
  })

  test(`${kind}: where it is an option instead of copied, the refusal says so`, async (t) => {
    for (const form of Object.values(FORMS)) {
      const handler = async (_request, task) => (await errorOf((async () => form(1000, { task }))())).message
      const { url } = await serveHandler(t, kind, handler)
      t.is(await (await fetch(url)).text(), `The "options.task" property is unknown here. Did you mean '...task'?`)
    }
  })

  test(`${kind}: Server-Timing has what they ran, the route's timeout bounds them`, async (t) => {
    for (const form of [spinAsync, spinSync]) {
      const { url } = await serveHandler(t, kind, (_request, task) => form(20, task), { timeout: 60_000 })
      t.true(timingOf(await fetch(url)).run >= 20, form.name)
      const late = await serveHandler(t, kind, (_request, task) => form(1e9, task), { timeout: 20 })
      t.is((await fetch(late.url)).status, 504, form.name)
    }
  })
}
