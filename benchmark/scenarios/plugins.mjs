// What the border of plug-ins costs: the built-in kernels, and the same ones in a dynamic library, in turns in one process.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { heavyLoad, loadKernels, Pool } from '../../index.js'
import { steady } from '../lib/load.mjs'
import { median } from '../lib/stats.mjs'

export const title = 'A kernel that is built in, and the same in a plug-in'

export const contestants = ['heavy-load']

export const rounds = 3

const IN_FLIGHT = 1000
const STEPS = 1e9
const TURNS = 5
const root = fileURLToPath(new URL('../../', import.meta.url))
const LIBRARY = { darwin: 'libheavy_load_test_plugin.dylib', win32: 'heavy_load_test_plugin.dll' }

export const columns = [
  { figure: 'empty', title: 'empty, built in', unit: 'us a task', picture: 'linear' },
  { figure: 'emptyPlugged', title: 'in a plug-in', unit: 'us a task', picture: 'linear' },
  { figure: 'steps', title: '1e9 steps, built in', unit: 'ms' },
  { figure: 'stepsPlugged', title: 'in a plug-in', unit: 'ms' },
]

export const goals = [
  {
    what: 'an empty task: in a plug-in / built in',
    of: ({ ours }) => ours('emptyPlugged') / ours('empty'),
    atMost: 1.05,
  },
  { what: '1e9 steps: in a plug-in / built in', of: ({ ours }) => ours('stepsPlugged') / ours('steps'), atMost: 1.02 },
]

export async function measure({ threads, quick }) {
  const build = ['build', '--release', '--locked', '--quiet', '-p', 'heavy-load-test-plugin']
  execFileSync('cargo', build, { cwd: root, stdio: 'inherit' })
  const file = `${root}target/release/${LIBRARY[process.platform] ?? 'libheavy_load_test_plugin.so'}`
  const { pluggedHeavyLoad } = loadKernels(file)
  const pool = new Pool({ threads })
  const kernels = { '': heavyLoad, Plugged: pluggedHeavyLoad }
  const figures = {}
  for (let turn = 0; turn < TURNS; turn++) {
    // In turns, and each of them first in every other: what the machine does meanwhile is the same for both.
    const order = Object.entries(kernels)
    if (turn % 2 === 1) order.reverse()
    for (const [name, kernel] of order) {
      const empty = await steady(() => kernel(0, { pool }), { lanes: IN_FLIGHT, quick })
      const began = performance.now()
      await kernel(STEPS, { pool })
      const took = performance.now() - began
      figures[`empty${name}`] ??= []
      figures[`empty${name}`].push(empty)
      figures[`steps${name}`] ??= []
      figures[`steps${name}`].push(took)
    }
  }
  const answers = [await heavyLoad(5, { pool }), await pluggedHeavyLoad(5, { pool })]
  await pool.close()
  return { figures: Object.fromEntries(Object.entries(figures).map(([name, all]) => [name, median(all)])), answers }
}
