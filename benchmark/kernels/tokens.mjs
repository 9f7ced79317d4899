// countTokens beside js-tiktoken and gpt-tokenizer: one call on one thread, and what the first call takes.
//
//   npm run setup -- --packs && node benchmark/kernels/tokens.mjs
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { inTurn, race } from './race.mjs'

process.env.HEAVY_LOAD_THREADS = '2'
const { Pool } = await import('heavy-load')
const { countTokens } = await import('heavy-load/text')

const require = createRequire(import.meta.url)
const { Tiktoken } = require('js-tiktoken/lite')
const pool = new Pool({ threads: 2, niceness: 0 })

const root = join(import.meta.dirname, '..', '..')
const prose = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md']
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n')
const text = prose.repeat(Math.ceil(102_400 / prose.length)).slice(0, 102_400)
const CALLS = 10

for (const encoding of ['o200k_base', 'cl100k_base']) {
  const began = performance.now()
  await countTokens('', { encoding, pool })
  const first = performance.now() - began
  const tiktokenBegan = performance.now()
  const tiktoken = new Tiktoken(require(`js-tiktoken/ranks/${encoding}`))
  const tiktokenFirst = performance.now() - tiktokenBegan
  const gptBegan = performance.now()
  const { countTokens: gptCount } = require(`gpt-tokenizer/encoding/${encoding}`)
  gptCount('')
  const gptFirst = performance.now() - gptBegan
  console.log(
    `\n${encoding}: the first call ${first.toFixed(0)} ms, js-tiktoken ${tiktokenFirst.toFixed(0)}, gpt-tokenizer ${gptFirst.toFixed(0)}`,
  )
  const expected = tiktoken.encode(text, [], []).length
  const contestants = {
    'heavy-load': () => countTokens(text, { encoding, pool }),
    'js-tiktoken': async () => tiktoken.encode(text, [], []).length,
    // It keeps the tokens of pieces that it has seen.
    'gpt-tokenizer': async () => gptCount(text),
  }
  const check = (count) => assert.equal(count, expected)
  // Amid the garbage of whoever came before it.
  await race(`${encoding}: 100 KiB, ${expected} tokens`, contestants, { check })
  const often = Object.entries(contestants).map(([name, count]) => [name, () => inTurn(CALLS, count)])
  await race(`${encoding}: the same, ${CALLS} calls one after the other`, Object.fromEntries(often), { check })
  const hostile = performance.now()
  await countTokens('a'.repeat(100_000), { encoding, pool })
  console.log(`  100,000 times "a": ${(performance.now() - hostile).toFixed(2)} ms`)
}
await pool.close()
