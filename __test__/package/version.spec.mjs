// The version is that of package.json wherever it is written: lockfiles, crates, documents.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { DOCUMENTS } from '../helpers/documents.mjs'
import { root } from '../helpers/root.mjs'

const { version } = JSON.parse(read('package.json'))

test('of what npm has locked', (t) => {
  const lock = JSON.parse(read('package-lock.json'))
  t.deepEqual([lock.version, lock.packages[''].version], [version, version])
})

test('of the crates, and of what cargo has locked', (t) => {
  // The kernel's crate stands alone in the package, and so takes nothing from the workspace.
  for (const file of ['Cargo.toml', 'crates/kernel/Cargo.toml']) {
    t.is(/^version = "(.*)"$/m.exec(read(file))?.[1], version, file)
  }
  for (const file of ['Cargo.lock', 'examples/own-kernels-rust/Cargo.lock']) {
    const crates = [...read(file).matchAll(/^name = "(heavy-load(?:-\w+)*)"\nversion = "(.*)"$/gm)]
    t.true(crates.length > 0, file)
    for (const [, name, locked] of crates) t.is(locked, version, `${file}: ${name}`)
  }
})

test('of what documents install, and of the latest changes', (t) => {
  const named = DOCUMENTS.flatMap((document) =>
    [...read(document).matchAll(/\bheavy-load[-@](\d+\.\d+\.\d+)/g)].map(([, found]) => [document, found]),
  )
  t.true(named.some(([document]) => document === 'README.md'))
  for (const [document, found] of named) t.is(found, version, document)
  t.is(/^## \[(.*?)\]/m.exec(read('CHANGELOG.md'))?.[1], version)
})

/** @param {string} file */
function read(file) {
  return readFileSync(join(root, file), 'utf8')
}
