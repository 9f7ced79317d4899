// queryJson of heavy-load/data beside JSON.parse: three fields of 50 MB, three fields of each row, and how late the event loop is meanwhile.
//
//   npm run setup -- --packs && node benchmark/kernels/json.mjs
import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { race } from './race.mjs'

process.env.HEAVY_LOAD_THREADS = '2'
const { freeze, Pool } = await import('heavy-load')
const { queryJson } = await import('heavy-load/data')

const pool = new Pool({ threads: 2, niceness: 0 })
const text = JSON.stringify({
  meta: { count: 150_000, page: 1 },
  rows: Array.from({ length: 150_000 }, (_, id) => row(id)),
  next: 'x',
})
const bytes = Buffer.from(text)
const frozen = freeze(Buffer.from(text))
const small = JSON.stringify({ rows: Array.from({ length: 4 }, (_, id) => row(id)) })

await race(
  `three fields of ${(bytes.length / 1e6).toFixed(0)} MB`,
  {
    'heavy-load': async () =>
      json(await queryJson(frozen, { filter: '[.meta.count, .next, .rows[100000].name]', single: true, pool })),
    'JSON.parse': async () => {
      const { meta, next, rows } = JSON.parse(bytes)
      return [meta.count, next, rows[100_000].name]
    },
  },
  { check: (found) => assert.deepEqual(found, [150_000, 'x', row(100_000).name]) },
)

await race(
  'three fields of each of 150,000 rows',
  {
    'heavy-load': async () => (await queryJson(frozen, { filter: '.rows[] | {id, name, score}', pool })).toString(),
    'JSON.parse and JSON.stringify': async () =>
      JSON.parse(bytes)
        .rows.map(({ id, name, score }) => `${JSON.stringify({ id, name, score })}\n`)
        .join(''),
  },
  { check: (found) => assert.equal(found.split('\n').length, 150_001) },
)

await race(
  'one field of 1.2 KB, 1,000 times',
  {
    'heavy-load': async () => {
      const all = await Promise.all(
        Array.from({ length: 1000 }, () => queryJson(small, { filter: '.rows[2].name', single: true, pool })),
      )
      return json(all[999])
    },
    'JSON.parse': async () => {
      let name
      for (let at = 0; at < 1000; at++) name = JSON.parse(small).rows[2].name
      return name
    },
  },
  { check: (found) => assert.equal(found, row(2).name) },
)

for (const [name, work] of Object.entries({
  'heavy-load': () => queryJson(frozen, { filter: '[.rows[].score] | add', pool }),
  'JSON.parse': async () => JSON.parse(bytes).rows.reduce((sum, { score }) => sum + score, 0),
})) {
  console.log(`the event loop is late by ${(await lateness(work)).toFixed(1)} ms: ${name}`)
}
await pool.close()

/** How late a timer of a millisecond is at most, meanwhile. Not monitorEventLoopDelay(): that misses what blocks at its very beginning. */
async function lateness(work) {
  let most = 0
  let looked = performance.now()
  const look = () => {
    const now = performance.now()
    most = Math.max(most, now - looked - 1)
    looked = now
  }
  const timer = setInterval(look, 1)
  await work()
  look()
  clearInterval(timer)
  return most
}

function row(id) {
  return {
    id,
    name: `user ${id} "quoted" é`,
    email: `u${id}@example.com`,
    score: id * 1.37,
    tags: ['a', 'bb', `c${id % 7}`],
    address: { street: `${id} Long Street`, city: `City${id % 100}`, zip: String(10_000 + (id % 90_000)) },
    active: id % 2 === 0,
    bio: 'Lorem ipsum dolor sit amet, consectetur adipiscing elit. '.repeat(2),
  }
}

/** @param {Buffer} bytes */
function json(bytes) {
  return JSON.parse(bytes.toString())
}
