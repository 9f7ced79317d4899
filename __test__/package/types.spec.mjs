// The declarations, as those compile them who write TypeScript.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import test from 'ava'
import { root } from '../helpers/root.mjs'

const require = createRequire(import.meta.url)
const { dependencies, peerDependencies } = require('../../package.json')

for (const [name, project] of [
  ['by `exports`', '__test__/types'],
  ['by `typesVersions` (moduleResolution: node10)', '__test__/types/node10'],
]) {
  test(`what users write compiles, and what is wrong does not: found ${name}`, (t) => {
    const { status, stdout } = spawnSync(
      process.execPath,
      [require.resolve('typescript/bin/tsc'), '-p', join(root, project)],
      { encoding: 'utf8' },
    )
    t.is(status, 0, stdout)
  })
}

test('every subpath with declarations is found by both', (t) => {
  const { exports, typesVersions } = require('../../package.json')
  const subpaths = Object.entries(exports).filter(([subpath, { types }]) => subpath !== '.' && types !== undefined)
  t.deepEqual(
    typesVersions['*'],
    Object.fromEntries(subpaths.map(([subpath, { types }]) => [subpath.replace('./', ''), [types]])),
  )
})

test('whose types they need is a dependency, or said to be a peer', (t) => {
  const texts = [root, join(root, 'types')].flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith('.d.ts'))
      .map((file) => readFileSync(join(folder, file), 'utf8')),
  )
  const named = texts.flatMap((text) =>
    [...text.matchAll(/^import .* from '([^'.]+)'|<reference types="(\w+)"/gm)].map(([, from, types]) => types ?? from),
  )
  const packages = new Set(named.map((name) => (name.startsWith('node:') ? 'node' : name)))
  t.true(packages.has('node') && packages.has('express'))
  const peers = { ...dependencies, ...peerDependencies }
  for (const name of packages) {
    // Those that have no declarations of their own.
    const typed = ['node', 'express'].includes(name) ? `@types/${name}` : name
    t.true(typed in peers, typed)
  }
})
