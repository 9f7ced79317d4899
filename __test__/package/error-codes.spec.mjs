// The codes are born in Rust; the JavaScript face and the documentation have the same.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import test from 'ava'

const require = createRequire(import.meta.url)
const { errorCodes } = require('../../lib/native.js')
const { CODES } = require('../../lib/errors.js')
const codes = errorCodes().sort()

/** Code and class, from rows of the table: | `CODE` | Class | ... */
const documented = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8')
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
