// The command line of `npm run compare`: it prints, and writes only when it is told to.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'ava'
import { strategies } from '../lib/strategies.mjs'
import { optionsOf } from '../load/options.mjs'

const example = dirname(import.meta.dirname)

test('without names it is of all strategies, and writes nothing', (t) => {
  t.deepEqual(optionsOf([]), { compared: strategies, write: false })
})

test('names choose, in the order of the list', (t) => {
  const { compared, write } = optionsOf(['rayon', 'blocking'])
  t.deepEqual(
    compared.map(({ name }) => name),
    ['blocking', 'rayon'],
  )
  t.false(write)
})

test('it writes when told to, and then of all', (t) => {
  t.deepEqual(optionsOf(['--write']), { compared: strategies, write: true })
  t.throws(() => optionsOf(['--write', 'rayon']), { message: /all strategies/ })
})

test('what it does not know it refuses', (t) => {
  t.throws(() => optionsOf(['magic']), { message: /no strategy 'magic'.*rayon/ })
  t.throws(() => optionsOf(['--writ']), { message: /--writ/ })
  const { status, stderr } = spawnSync(process.execPath, [join(example, 'compare.mjs'), 'magic'], { encoding: 'utf8' })
  t.is(status, 1)
  t.regex(stderr, /no strategy 'magic'[\s\S]*npm run compare/)
})

test('one strategy is measured and printed; the results that are kept stay as they are', (t) => {
  const before = kept()
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(example, 'compare.mjs'), 'set-immediate'], {
    encoding: 'utf8',
  })
  t.is(status, 0, stderr)
  t.regex(stdout, /^## Counting \(steps\): 5e8 a request$/m)
  t.regex(stdout, /^\| set-immediate +\|( +[\d.]+ \|){6}$/m)
  t.deepEqual(kept(), before)
})

function kept() {
  const folder = join(example, 'results')
  return readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')])
}
