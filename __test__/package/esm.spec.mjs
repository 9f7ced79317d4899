// The package is CommonJS; ES modules import all of it by name.
import { createRequire } from 'node:module'
import test from 'ava'
import { runScript } from '../helpers/child.mjs'

const names = Object.keys(createRequire(import.meta.url)('heavy-load'))

test('every export can be imported by name, and is the one that require gives', async (t) => {
  t.true(names.includes('heavyLoad') && names.includes('defaultPool') && names.includes('HeavyLoadError'))
  const { code, stdout, stderr } = await runScript(`
    import { createRequire } from 'node:module'
    import { ${names.join(', ')} } from 'heavy-load'
    const imported = { ${names.join(', ')} }
    const required = createRequire(import.meta.url)('heavy-load')
    const same = Object.keys(required).filter((name) => required[name] === imported[name])
    console.log(JSON.stringify({ same, ran: await heavyLoad(1000) }))
  `)
  t.is(code, 0, stderr)
  t.deepEqual(JSON.parse(stdout), { same: names, ran: 1000 })
})

test('the default import is all of it', async (t) => {
  const { code, stdout, stderr } = await runScript(`
    import all from 'heavy-load'
    console.log(JSON.stringify(Object.keys(all)))
  `)
  t.is(code, 0, stderr)
  t.deepEqual(JSON.parse(stdout), names)
})
