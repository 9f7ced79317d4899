// The codes are born in Rust; the JavaScript face and the documentation have the same.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import test from 'ava'
import { root } from '../helpers/root.mjs'

const require = createRequire(import.meta.url)
const { errorCodes } = require('../../lib/native.js')
const { CODES } = require('../../lib/errors.js')
const codes = errorCodes().sort()

const text = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8')
/** Code and class, from rows of the table: | `CODE` | Class | ... */
const documented = text
  .split('\n')
  .map((line) => line.match(/^\| `(\w+)` \| (\w+) \|/))
  .filter((match) => match !== null)
  .map(([, code, className]) => [code, className])

test('there are some, and none twice', (t) => {
  t.true(codes.length > 0)
  t.is(new Set(codes).size, codes.length)
})

test('each is in the table', (t) => {
  t.deepEqual(Object.keys(CODES).sort(), [...codes].sort())
})

test('each is documented, once', (t) => {
  t.deepEqual(documented.map(([code]) => code).sort(), Object.keys(CODES).sort())
})

test("each is documented with its errors' name", (t) => {
  for (const [code, className] of documented) t.is(CODES[code].Class.prototype.name, className, code)
})

/** Codes that the sources know and do not give: Node's own, which they look for. */
const LOOKED_FOR = [
  'ERR_ACCESS_DENIED',
  'ERR_DLOPEN_DISABLED',
  'ERR_DLOPEN_FAILED',
  'ERR_PARSE_ARGS_UNKNOWN_OPTION',
  'ERR_STREAM_PREMATURE_CLOSE',
]

const sources = ['lib', 'src', 'crates/kernel/src', 'crates/engine/src', 'crates/kernels/src', 'packs']
  .flatMap((folder) => filesUnder(join(root, folder)))
  .filter((file) => /\.(js|rs)$/.test(file) && !/tests?(\.rs$|[\\/])/.test(file))
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n')

test('each that a source of ours has is documented', (t) => {
  const found = new Set(sources.match(/\b(ERR_[A-Z0-9_]*[A-Z0-9]|ABORT_ERR)\b/g))
  t.true(found.size >= codes.length)
  for (const code of found) t.true(LOOKED_FOR.includes(code) || text.includes(`\`${code}\``), code)
})

test('each message that the documentation quotes is one that there is', (t) => {
  const words = sources.replace(/\\?\s*\n\s*/g, ' ')
  const quoted = [...text.matchAll(/^\| `([^`]*[a-z ]{5}[^`]*)`.* \|$/gm)].map(([, message]) => message)
  t.true(quoted.length > 20)
  for (const message of quoted) t.true(words.includes(message), message)
})

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}
