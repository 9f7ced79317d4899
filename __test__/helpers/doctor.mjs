// Servers of fixtures/doctor under `heavy-load doctor`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCli } from './cli.mjs'
import { root } from './root.mjs'

export const folder = join(root, '__test__/fixtures/doctor')

/** Starts one; `report()` is what it has written when it has ended. */
export function startDoctor(t, fixture, { options = [], args = [], onTerminal = false } = {}) {
  const place = mkdtempSync(join(tmpdir(), 'doctor-'))
  t.teardown(() => rmSync(place, { recursive: true, force: true }))
  const file = join(place, 'report.json')
  const command = ['doctor', '--report', file, ...options, join(folder, fixture), ...args]
  const { child, end, says } = startCli(command, { cwd: root, onTerminal })
  return {
    child,
    end,
    says,
    /** Where the server listens, and the doctor knows that it does. */
    async address() {
      const [, url] = await says(/at (http:\S+)/, 'stdout')
      await says(/listens/)
      return url
    },
    report: () => JSON.parse(readFileSync(file, 'utf8')),
  }
}

/** A server from its start to the report, with a load. */
export async function diagnose(t, fixture, load = block) {
  const doctor = startDoctor(t, fixture)
  await load(await doctor.address())
  doctor.child.kill('SIGINT')
  const end = await doctor.end
  return { ...end, report: doctor.report() }
}

async function block(url) {
  for (let n = 0; n < 2; n++) await (await fetch(`${url}/block`)).text()
}
