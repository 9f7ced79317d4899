// Who asks which handles keep the process alive, as Jest's --detectOpenHandles does by async hooks and `hasRef`, is told of tasks in flight alone.
import test from 'ava'
import { runScript } from '../helpers/child.mjs'

test('of what the package makes, only what waits for tasks is active, and only then', async (t) => {
  const { code, stdout, stderr } = await runScript(`
    import { createHook } from 'node:async_hooks'
    const made = []
    const init = (_id, type, _trigger, resource) => type.startsWith('heavy-load') && made.push({ type, resource })
    createHook({ init }).enable()
    const active = () => made.filter(({ resource }) => !('hasRef' in resource) || resource.hasRef()).map(({ type }) => type)
    const { defaultPool, heavyLoad } = await import('heavy-load')
    const loaded = active()
    const controller = new AbortController()
    const { signal } = controller
    const tasks = [heavyLoad(1e13, { signal, onProgress: () => {} }), defaultPool.gate(async () => {})]
    const busy = active()
    controller.abort()
    await Promise.allSettled(tasks)
    // A thread is free soon after its task's promise has been settled.
    while (active().length > 0) await new Promise((resolve) => setImmediate(resolve))
    console.log(JSON.stringify({ types: made.map(({ type }) => type).sort(), loaded, busy }))
  `)
  t.is(code, 0, stderr)
  t.deepEqual(JSON.parse(stdout), {
    types: ['heavy-load', 'heavy-load.gate', 'heavy-load.instance', 'heavy-load.task'],
    loaded: [],
    busy: ['heavy-load.instance'],
  })
})
