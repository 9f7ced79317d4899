// Makes the README's figure, docs/login-storm.svg: what GET /ping takes while sixty people log in at once, with bcryptjs and with heavy-load.
//
//   npm run setup -- --packs && node scripts/storm-picture.mjs
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const LOGINS = 60
const COST = 10
const EVERY_MS = 25
/** Before the storm, and after it. */
const QUIET_MS = 1000
const VERIFIERS = {
  'bcryptjs: compare': async () => {
    const { default: bcrypt } = await import('bcryptjs')
    const hash = await bcrypt.hash('secret', COST)
    return () => bcrypt.compare('secret', hash)
  },
  'heavy-load: verifyPassword': async () => {
    const { hashPassword, verifyPassword } = await import('heavy-load/passwords')
    const hash = await hashPassword('secret', { algorithm: 'bcrypt', cost: COST })
    return () => verifyPassword('secret', { hash })
  },
}

const [, file, name] = process.argv
if (name !== undefined) await serve(await VERIFIERS[name]())
else {
  const storms = []
  for (const name of Object.keys(VERIFIERS)) storms.push({ name, ...(await storm(name)) })
  writeFileSync(new URL('../docs/login-storm.svg', import.meta.url), draw(storms))
  for (const { name, pings, end } of storms) {
    const during = pings.filter(({ at }) => at >= 0 && at < end).map(({ took }) => took)
    during.sort((one, other) => one - other)
    const shown = (share) => during[Math.ceil(share * during.length) - 1].toFixed(1)
    console.log(
      `${name}: all in after ${end.toFixed(0)} ms; /ping p50 ${shown(0.5)}, p99 ${shown(0.99)}, longest ${shown(1)} ms`,
    )
  }
}

async function serve(verify) {
  const server = createServer(async (request, response) => {
    if (request.url === '/login') await verify()
    response.end('ok')
  })
  server.listen(0, '127.0.0.1', () => process.send(server.address().port))
}

/** Pings all the time, and logins at once, each on a connection of its own; milliseconds from the logins on. */
async function storm(name) {
  const child = fork(file, [name])
  try {
    const [port] = await once(child, 'message')
    const url = `http://127.0.0.1:${port}`
    const ask = async (path) => (await fetch(url + path)).text()
    // Connections, and code that is compiled.
    await Promise.all(Array.from({ length: 8 }, () => ask('/ping')))
    await ask('/login')
    const began = performance.now() + QUIET_MS
    const pings = []
    let isOver = false
    const pinging = (async () => {
      const all = []
      for (let next = performance.now(); !isOver; next += EVERY_MS) {
        await sleep(next - performance.now())
        const sent = performance.now()
        all.push(ask('/ping').then(() => pings.push({ at: sent - began, took: performance.now() - sent })))
      }
      await Promise.all(all)
    })()
    await sleep(began - performance.now())
    await Promise.all(Array.from({ length: LOGINS }, () => ask('/login')))
    const end = performance.now() - began
    await sleep(QUIET_MS)
    isOver = true
    await pinging
    return { pings, end }
  } finally {
    child.kill('SIGKILL')
  }
}

/** A panel for each storm: a dot for each ping, by when it was sent and by what it took. */
function draw(storms) {
  const [width, height, left, top] = [760, 150, 60, 40]
  const from = -QUIET_MS
  const to = Math.max(...storms.map(({ end }) => end)) + QUIET_MS
  const [least, most] = [0.3, 20_000]
  const x = (ms) => (left + ((ms - from) / (to - from)) * (width - left - 12)).toFixed(1)
  const y = (ms) => (height * (1 - Math.log(Math.max(ms, least) / least) / Math.log(most / least))).toFixed(1)
  const panels = storms.map(({ name, pings, end }, index) => {
    const lines = [1, 10, 100, 1000, 10_000].map((ms) => {
      const label = ms < 1000 ? `${ms} ms` : `${ms / 1000} s`
      return `<path class="line" d="M${left} ${y(ms)}H${width - 12}"/><text class="small" x="${left - 8}" y="${y(ms)}" dy="4" text-anchor="end">${label}</text>`
    })
    const dots = pings.map(({ at, took }) => `<circle cx="${x(at)}" cy="${y(took)}" r="2"/>`)
    return `<g transform="translate(0 ${top + index * (height + 50)})"><text x="${left}" y="-8"><tspan class="name">${name}</tspan>: all ${LOGINS} logged in after ${(end / 1000).toFixed(1)} s</text>
<rect class="storm" x="${x(0)}" y="0" width="${(x(end) - x(0)).toFixed(1)}" height="${height}"/>${lines.join('')}
<g class="${index === 0 ? 'other' : 'ours'}">${dots.join('')}</g></g>`
  })
  const whole = top + storms.length * (height + 50) + 6
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${whole}" width="${width}" height="${whole}" role="img" aria-labelledby="t">
<title id="t">What GET /ping takes while ${LOGINS} people log in at once: with bcryptjs seconds, with heavy-load milliseconds</title>
<style>
text{font:13px system-ui,sans-serif;fill:#1f2328}.small{font-size:11px;fill:#656d76}.name{font-weight:600}
.line{stroke:#8884;fill:none}.storm{fill:#8882}.other{fill:#cf222e}.ours{fill:#1a7f37}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.other{fill:#ff7b72}.ours{fill:#3fb950}}
</style>
${panels.join('\n')}
<text class="small" x="${left}" y="${whole - 22}">A dot: a GET /ping, by when it was sent. Grey: from ${LOGINS} logins at once (bcrypt, cost ${COST}) to the last one's end. Two cores.</text>
</svg>
`
}
