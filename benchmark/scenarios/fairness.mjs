// Two tenants on one pool: does the flood of one keep the other waiting, and do weights give shares?
import { open } from '../lib/contestants.mjs'

export const title = 'Fair shares'

export const contestants = ['heavy-load', 'piscina', 'tinypool', 'workerpool', 'poolifier']

export const rounds = 3

export const columns = [
  { figure: 'late', title: '20 tasks behind 200 of another: done after', unit: '% of the time', picture: 'linear' },
  {
    figure: 'share',
    title: 'share of a tenant with weight 3 beside one with 1 (75 is fair)',
    unit: '%',
    better: 'neither',
    picture: 'linear',
  },
]

export const goals = [
  { what: '20 tasks behind 200 of another: done after [% of the time]', of: ({ ours }) => ours('late'), atMost: 25 },
  {
    what: 'weights 3 and 1: how far off the share of 75 % is',
    of: ({ ours }) => Math.abs(ours('share') / 75 - 1),
    atMost: 0.1,
  },
]

const FLOOD = { tasks: 200, ms: 2 }
const TENANT = { tasks: 20, ms: 2 }
/** So short that no contestant interrupts them: completions then tell how time was shared. */
const SHARED = { tasks: 400, ms: 0.5 }

export async function measure({ contestant, threads }) {
  const pool = await open(contestant, { threads })
  await Promise.all(Array.from({ length: 2 * threads }, () => pool.spin(TENANT.ms)))
  return { figures: { late: await late(pool), share: await share(pool) } }
}

/** When the last task of the one tenant is done, as a share of the time that all take. */
async function late(pool) {
  const start = performance.now()
  const since = () => performance.now() - start
  const flood = submit(pool, FLOOD, { key: 'flood' })
  const tenant = submit(pool, TENANT, { key: 'tenant' })
  const [when] = await Promise.all([Promise.all(tenant).then(since), Promise.all(flood)])
  return (100 * when) / since()
}

/** What part of the completions are the heavier tenant's as long as both have tasks waiting. */
async function share(pool) {
  const done = { light: 0, heavy: 0 }
  let share
  const tenant = (key, weight) =>
    submit(pool, SHARED, { key, weight }).map(async (task) => {
      await task
      done[key]++
      if (done[key] === SHARED.tasks) share ??= (100 * done.heavy) / (done.light + done.heavy)
    })
  await Promise.all([...tenant('light', 1), ...tenant('heavy', 3)])
  return share
}

function submit(pool, { tasks, ms }, options) {
  return Array.from({ length: tasks }, () => pool.spin(ms, options))
}
