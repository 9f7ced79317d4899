// The verdict of `npm run compare`.
import test from 'ava'
import { jobs } from '../lib/jobs.mjs'
import { OURS, strategies } from '../lib/strategies.mjs'
import { contests } from '../load/contests.mjs'
import { verdict } from '../load/verdict.mjs'

test('it says against whom ours is ahead, and against whom it is not', (t) => {
  const rows = [
    { name: 'blocking', p99: 900, heavy: 6.5, memory: 85 },
    { name: 'cluster', p99: 9, heavy: 14, memory: 150 },
    // Ours as well: no rival.
    { name: 'shared', p99: 1, heavy: 20, memory: 50 },
    { name: 'rayon', p99: 5, heavy: 13.5, memory: 85 },
  ]
  t.deepEqual(verdict('rayon', rows).split('\n'), [
    '- /fast p99 [ms]: rayon 5, best of the others 9 (cluster): ahead',
    '- heavy a second: rayon 13.5, best of the others 14 (cluster): NOT ahead',
    '- memory [MiB]: rayon 85, best of the others 85 (blocking): ahead',
  ])
})

test('what was not measured does not compete, and what is missing is named', (t) => {
  const rows = [
    { name: 'pm2', p99: 6, heavy: 12, memory: Number.NaN },
    { name: 'queue', missing: 'There is no Redis' },
    { name: 'rayon', p99: 5, heavy: 13, memory: 100 },
  ]
  t.deepEqual(verdict('rayon', rows).split('\n'), [
    '- /fast p99 [ms]: rayon 5, best of the others 6 (pm2): ahead',
    '- heavy a second: rayon 13, best of the others 12 (pm2): ahead',
    '- queue was left out: There is no Redis',
  ])
  t.is(verdict('rayon', rows.slice(0, 1)), '')
})

test('each job has a contest, with an amount that it takes and one of ours that does it', (t) => {
  t.deepEqual(Object.keys(contests), Object.keys(jobs))
  for (const [name, { amount, ours }] of Object.entries(contests)) {
    t.true(amount <= jobs[name].most)
    t.is(strategies.find((strategy) => strategy.name === ours).job, name)
    t.true(OURS.has(ours))
  }
})
