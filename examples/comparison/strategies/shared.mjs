// heavy-load, fourth form: in place on memory that JavaScript sees, without a copy.
import { heavyLoadShared } from 'heavy-load'

/** Elements of a request's view. */
const ELEMENTS = 2 ** 16
/** xorshift32 stays at 0 for ever: every other number will do. */
const seeds = Uint32Array.from({ length: ELEMENTS }, (_, index) => index + 1)

export const strategy = {
  name: 'shared',
  job: 'count',
  title: 'heavyLoadShared',
  summary:
    'heavy-load in place on a SharedArrayBuffer, on all cores and without a copy. A step is one of xorshift32; the answer is elements times the rounds that each was advanced, plus what was left for one element.',
  can: { parallel: true, progress: true, cancel: true, zeroCopy: true, otherMachines: false },
  async open() {
    return { run, async close() {} }
  },
}

async function run(iterations, task) {
  const view = new Uint32Array(new SharedArrayBuffer(seeds.byteLength))
  view.set(seeds)
  const rounds = Math.floor(iterations / view.length)
  const rest = iterations % view.length
  const all = await heavyLoadShared(view, { ...task, rounds })
  const one = await heavyLoadShared(view.subarray(0, 1), { ...task, rounds: rest, onProgress: undefined })
  return all.length * rounds + one.length * rest
}
