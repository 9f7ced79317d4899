// The demo runs to its end and shows what it is to show.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { root } from '../helpers/root.mjs'

test('the demo shows /fast waiting while /heavy blocks, and not waiting while it is offloaded', async (t) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(root, 'scripts/demo.mjs')])
  t.is(stderr, '')
  t.regex(stdout, /blocking +offloaded/)
  const fast = figures(stdout, 'GET /fast')
  const heavy = figures(stdout, 'GET /heavy')
  t.true(fast.offloaded < fast.blocking / 2, stdout)
  t.true(fast.offloaded < heavy.offloaded / 2, stdout)
})

/** The two figures in the row of `label`. */
function figures(output, label) {
  const row = output.split('\n').find((line) => line.startsWith(label) && line.endsWith(' ms'))
  const [, blocking, offloaded] = /([\d.]+) ms +([\d.]+) ms$/.exec(row)
  return { blocking: Number(blocking), offloaded: Number(offloaded) }
}
