// What is loaded with the package, and what is not (docs/internals/loading.md).
import test from 'ava'
import { runScript } from '../helpers/child.mjs'

/** What a script gives `print`, with `require` and, as `files()`, the files of lib/ that are loaded. */
async function run(t, script) {
  const { code, stdout, stderr } = await runScript(`
    import { createRequire } from 'node:module'
    import { join, relative, sep } from 'node:path'
    const require = createRequire(join(process.cwd(), 'index.js'))
    const files = () =>
      Object.keys(require.cache).map((file) => relative('lib', file).replaceAll(sep, '/')).filter((file) => file.endsWith('.js'))
    const print = (value) => console.log(JSON.stringify(value))
    ${script}
  `)
  t.is(code, 0, stderr)
  return JSON.parse(stdout)
}

test('all that is taken from the runtime is there from the beginning, what tasks need is not', async (t) => {
  const files = await run(t, `require('heavy-load'); print(files())`)
  for (const file of ['host.js', 'views.js', 'native.js']) t.true(files.includes(file), file)
  for (const file of ['pool/task.js', 'buffers.js', 'options.js', 'signals.js', 'deadlines.js', 'map.js']) {
    t.false(files.includes(file), file)
  }
})

for (const adapter of ['express', 'fastify']) {
  test(`heavy-load/${adapter}: a server loads nothing in its first request`, async (t) => {
    const { before, after } = await run(
      t,
      `
      const { hash } = require('heavy-load')
      require('heavy-load/${adapter}')
      const before = files()
      await hash(Buffer.from('abc'), { signal: AbortSignal.timeout(60_000), timeout: 60_000, transfer: true })
      print({ before, after: files() })
      `,
    )
    t.deepEqual(after, before)
  })
}

test('what is exported is there before it has been loaded', async (t) => {
  const same = await run(
    t,
    `
    const { FrozenBuffer, freeze } = require('heavy-load')
    print([freeze(Buffer.from('abc')) instanceof FrozenBuffer, FrozenBuffer === require('heavy-load').FrozenBuffer])
    `,
  )
  t.deepEqual(same, [true, true])
})
