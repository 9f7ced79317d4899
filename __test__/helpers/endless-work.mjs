// More work than can ever be done, in each form: some of it running, some of it queued.
import {
  defaultPool,
  heavyLoad,
  heavyLoadAsync,
  heavyLoadShared,
  heavyLoadSharedAsync,
  Pool,
  spin,
  spinAsync,
} from 'heavy-load'
import { ENDLESS } from './pool.mjs'

const COPIES = 12
const shared = () => new Uint32Array(new SharedArrayBuffer(2 ** 20))
const ROUNDS = { rounds: 2 ** 32 - 1 }

const STARTS = {
  pool: (options) => {
    const pool = new Pool({ threads: 2 })
    return [
      heavyLoad(ENDLESS, options),
      heavyLoad(ENDLESS, { ...options, pool }),
      spin(ENDLESS, options),
      spin(1000, { ...options, pool, priority: 'low' }),
      defaultPool.run('spin', 1000),
    ]
  },
  libuv: (options) => [heavyLoadAsync(ENDLESS, options), spinAsync(ENDLESS, options)],
  shared: (options) => [
    heavyLoadShared(shared(), { ...options, ...ROUNDS }),
    heavyLoadShared(new Uint32Array(2 ** 18), { ...options, ...ROUNDS, transfer: true }),
    heavyLoadSharedAsync(shared(), { ...options, ...ROUNDS }),
    heavyLoadSharedAsync(new Uint32Array(2 ** 18), { ...options, ...ROUNDS, transfer: true }),
  ],
  mixed: (options) => [heavyLoadAsync(ENDLESS, options), shortTasks()],
}

/** While short tasks come and go, the event loop does not sleep, and nothing wakes it. */
async function shortTasks() {
  const pool = new Pool({ threads: 1, niceness: 0 })
  for (;;) await pool.run('heavyLoad', 1)
}

export const FORMS = Object.keys(STARTS)

/** Starts it, and waits until the first of it runs. */
export function startEndlessWork(form) {
  return new Promise((resolve) => {
    const onProgress = (fraction) => {
      if (fraction > 0) resolve()
    }
    for (let copy = 0; copy < COPIES; copy++) {
      for (const task of STARTS[form]({ onProgress })) task.catch(() => {})
    }
  })
}
