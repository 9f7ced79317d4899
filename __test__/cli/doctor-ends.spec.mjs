// `heavy-load doctor`: how it ends, and that the server has ended then, too. `end` resolves when nobody has its output open any more.
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { runCli } from '../helpers/cli.mjs'
import { folder, startDoctor } from '../helpers/doctor.mjs'

// There are no signals there.
const onUnix = process.platform === 'win32' ? test.serial.skip : test.serial
const testOnTerminal = process.platform === 'linux' ? test.serial : test.serial.skip

test.serial('--for ends it, with a report; without a request that is no all-clear', async (t) => {
  const doctor = startDoctor(t, 'graceful.mjs', { options: ['--for', '200ms'] })
  const { code, stdout, stderr } = await doctor.end
  t.is(code, 4)
  t.regex(stderr, /listens\. Make a load on it now: it ends in 0\.2 s, or by Ctrl-C/)
  t.regex(stdout, /closed by SIGTERM\n.* was watched for /s)
  t.regex(stdout, /in which no request came.*It needs a load/s)
  t.notRegex(stdout, /Nothing blocks it/)
  t.like(doctor.report(), { listened: true, requests: 0 })
})

for (const [protocol, requests, exit] of [
  ['http', 2, 0],
  ['http2', 2, 0],
  ['upgrade', 2, 0],
  ['net', 2, 0],
  ['connections of http', 0, 4],
]) {
  test.serial(`requests are counted: ${protocol}`, async (t) => {
    // What it has blocked is not what is asked here.
    const doctor = startDoctor(t, 'protocols.mjs', { options: ['--stall', '60000'], args: [protocol] })
    t.is((await doctor.end).code, exit)
    t.is(doctor.report().requests, requests)
  })
}

onUnix('SIGTERM ends it as such, with a report, and leaves no files', async (t) => {
  const doctor = startDoctor(t, 'graceful.mjs')
  await doctor.address()
  doctor.child.kill('SIGTERM')
  const { code, stdout } = await doctor.end
  t.is(code, 143)
  t.regex(stdout, /closed by SIGTERM\n.* no request came/s)
  t.deepEqual(
    readdirSync(tmpdir()).filter((name) => name.startsWith(`heavy-load-doctor-${doctor.child.pid}-`)),
    [],
  )
})

testOnTerminal('Ctrl-C in a terminal ends it, with a report', async (t) => {
  const doctor = startDoctor(t, 'graceful.mjs', { onTerminal: true })
  await doctor.says(/listens/, 'stdout')
  doctor.child.stdin.write('\x03')
  const { code, stdout } = await doctor.end
  t.is(code, 4)
  t.regex(stdout, /closed by SIGINT\r\n.* no request came/s)
  t.is(doctor.report().stalls.count, 0)
})

onUnix('a server that does not end is killed', async (t) => {
  const doctor = startDoctor(t, 'stays.mjs')
  await (await fetch(await doctor.address())).text()
  doctor.child.kill('SIGINT')
  const { code, stdout, stderr } = await doctor.end
  t.is(code, 0)
  t.regex(stderr, /does not end by itself: it is killed/)
  t.regex(stdout, /Nothing blocks it/)
})

onUnix('of a server that hangs in a loop it says where', async (t) => {
  const doctor = startDoctor(t, 'endless.mjs')
  const url = await doctor.address()
  fetch(`${url}/block`).catch(() => {})
  await doctor.says(/hangs/, 'stdout')
  doctor.child.kill('SIGINT')
  const { code, stdout } = await doctor.end
  t.is(code, 3)
  t.like(doctor.report().causes[0], { kind: 'own', function: 'spin', file: join(folder, 'endless.mjs') })
  t.regex(stdout, /spin/)
})

onUnix('a server that hangs in a native call is ended at the second signal', async (t) => {
  const doctor = startDoctor(t, 'endless.mjs', { args: ['native'] })
  const url = await doctor.address()
  fetch(`${url}/block`).catch(() => {})
  await doctor.says(/hangs/, 'stdout')
  doctor.child.kill('SIGINT')
  await doctor.says(/Once more/)
  doctor.child.kill('SIGINT')
  const { code, stderr } = await doctor.end
  t.is(code, 1)
  t.regex(stderr, /did not write what it knows/)
})

onUnix('the server ends when the doctor is killed', async (t) => {
  const doctor = startDoctor(t, 'stays.mjs')
  await doctor.address()
  doctor.child.kill('SIGKILL')
  t.is((await doctor.end).signal, 'SIGKILL')
})

test.serial('a server that crashes: it says so, and what it knows', async (t) => {
  const doctor = startDoctor(t, 'ends.mjs')
  const url = await doctor.address()
  await (await fetch(`${url}/block`)).text()
  await t.throwsAsync(fetch(`${url}/crash`))
  const { code, stdout, stderr } = await doctor.end
  t.is(code, 1)
  t.regex(stderr, /Error: a bug/)
  t.regex(stderr, /heavy-load doctor: the server crashed: it ended with exit code 1 while it was watched\n/)
  t.regex(stdout, /was watched for/)
  t.true(doctor.report().stalls.count >= 1)
})

onUnix('a server that is killed: it says that nothing is known', async (t) => {
  const doctor = startDoctor(t, 'ends.mjs')
  await t.throwsAsync(fetch(`${await doctor.address()}/killed`))
  const { code, stderr } = await doctor.end
  t.is(code, 1)
  t.regex(stderr, /the server crashed: it ended by SIGKILL while it was watched, and what it knew is lost\n/)
})

test.serial('a server that ends by itself is reported on', async (t) => {
  const doctor = startDoctor(t, 'ends.mjs')
  await t.throwsAsync(fetch(`${await doctor.address()}/exit`))
  const { code, stdout, stderr } = await doctor.end
  t.is(code, 0)
  t.regex(stderr, /the server has ended by itself/)
  t.regex(stdout, /Nothing blocks it/)
})

test.serial('a server that cannot start: its own words, and that', async (t) => {
  const { code, stdout, stderr } = await startDoctor(t, 'cannot-start.cjs').end
  t.is(code, 1)
  t.regex(stderr, /Error: no database/)
  t.regex(stderr, /heavy-load doctor: the server did not start: it ended with exit code 1 before it listened/)
  t.is(stdout, '')
})

test.serial('what is no server is reported on from its start', async (t) => {
  const { code, stdout, stderr } = await startDoctor(t, 'script.cjs').end
  t.is(code, 0)
  t.regex(stderr, /the server has ended by itself/)
  t.regex(stdout, /^done\n.*It has not listened on any port/s)
})

onUnix('of a cluster it says that its workers are not watched', async (t) => {
  const doctor = startDoctor(t, 'cluster.mjs')
  await doctor.says(/at http/, 'stdout')
  doctor.child.kill('SIGINT')
  const { code, stdout } = await doctor.end
  t.is(code, 4)
  t.notRegex(stdout, /Nothing blocks it/)
  t.regex(stdout, /Its worker processes \(node:cluster, 1 of them\) are not watched/)
})

onUnix('the server sees nothing of it, nor do its children and threads', async (t) => {
  const doctor = startDoctor(t, 'sees.mjs', { args: ['--', '--port', '1'] })
  await doctor.address()
  doctor.child.kill('SIGINT')
  const { stdout } = await doctor.end
  const seen = (who) => JSON.parse(new RegExp(`${who} sees (.*)`).exec(stdout)[1])
  t.deepEqual(seen('it'), { execArgv: [], args: ['--port', '1'], env: [], channel: 'undefined' })
  t.deepEqual(seen('a child'), { execArgv: [], args: [], env: [], channel: 'function' })
  t.deepEqual(seen('a thread').env, [])
})

test.serial('wrong usage is said in a line', async (t) => {
  for (const [args, message] of [
    [[], 'The FILE of a server is missing'],
    [['none.js'], "There is no file 'none.js'"],
    [['--for', '30', 'x.js'], "--for must be a time such as 30s, 500ms or 2m, at most 1h. Received '30'"],
    [['--stall', '0', 'x.js'], "--stall must be an integer from 10 to 60000. Received '0'"],
  ]) {
    const { code, stderr } = await runCli(['doctor', ...args])
    t.is(code, 2)
    t.is(stderr, `heavy-load: ${message}\nTry 'heavy-load doctor --help'.\n`)
  }
})

test.serial('a report that cannot be written is said before the server starts', async (t) => {
  const report = join(folder, 'no-such-folder/report.json')
  const { code, stdout, stderr } = await runCli(['doctor', '--report', report, join(folder, 'graceful.mjs')])
  t.is(code, 1)
  t.regex(stderr, /^heavy-load: ENOENT/)
  t.is(stdout, '')
})
