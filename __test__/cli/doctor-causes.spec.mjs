// `heavy-load doctor`: servers that block, each by something else, and one that does not.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import { diagnose, folder } from '../helpers/doctor.mjs'

/** What blocks in each, what is called instead, and what the line of the call says, where it is known. */
const SERVERS = [
  ['argon2.mjs', { package: '@node-rs/argon2', function: 'verifySync' }, 'verifyPassword', /argon2\.verifySync/],
  ['bcrypt.cjs', { package: '@node-rs/bcrypt', function: 'hashSync' }, 'hashPassword', /again.*hashSync/],
  ['bcryptjs.mjs', { package: 'bcryptjs', function: 'hashSync' }, 'hashPassword'],
  ['gpt-tokenizer.mjs', { package: 'gpt-tokenizer' }, 'countTokens'],
  ['json.mjs', { package: null, function: 'JSON.parse' }, 'queryJson', /JSON\.parse/],
  ['markdown-it.mjs', { package: 'markdown-it' }, 'renderMarkdown'],
  ['marked.mjs', { package: 'marked' }, 'renderMarkdown'],
  ['own.mjs', { package: null, function: 'primes' }, null],
  ['pako.mjs', { package: 'pako', function: 'gzip' }, 'compress'],
  ['pbkdf2.cjs', { package: null, function: 'crypto.pbkdf2Sync' }, 'hashPassword', /crypto\.pbkdf2Sync/],
  ['sanitize-html.cjs', { package: 'sanitize-html', function: 'sanitizeHtml' }, 'sanitizeHtml'],
  ['tiktoken.mjs', { package: 'js-tiktoken' }, 'countTokens'],
  ['turndown.mjs', { package: 'turndown' }, 'htmlToMarkdown'],
  ['zlib.mjs', { package: null, function: 'zlib.gunzipSync' }, 'decompress', /gunzipSync/],
]

// There are no signals on Windows, and it is one that ends the watching.
const onUnix = process.platform === 'win32' ? test.serial.skip : test.serial

for (const [server, cause, call, line] of SERVERS) {
  onUnix(`${server}: what blocks is named, where it is called, and what to call instead`, async (t) => {
    const { code, stdout, report } = await diagnose(t, server)
    t.is(code, 3)
    t.is(report.requests, 2)
    const [first] = report.causes
    t.like(first, cause)
    t.is(first.instead.call, call)
    t.true(first.share > 0.5, String(first.share))
    t.true(first.stalls >= 1 && first.longest <= report.stalls.longest)
    t.true(stdout.includes(cause.package ?? cause.function))
    const place = first.package === null && call === null ? first : first.caller
    t.is(place.file, join(folder, server))
    if (line === undefined) return
    t.true(place.isExact)
    t.regex(lineOf(place), line)
  })
}

onUnix('of an async form, whose frames do not tell what was called, all is named that may be', async (t) => {
  const { code, stdout, report } = await diagnose(t, 'bcryptjs-async.mjs')
  t.is(code, 3)
  t.like(report.causes[0], { package: 'bcryptjs', function: 'next', caller: null })
  t.is(report.causes[0].instead.call, 'verifyPassword, hashPassword')
  t.regex(stdout, /not known who called it/)
})

onUnix('of a function of the user’s own it names the line', async (t) => {
  const { report } = await diagnose(t, 'own.mjs')
  const [{ file, line, hotLine, instead }] = report.causes
  t.regex(lineOf({ file, line }), /function primes/)
  t.regex(lineOf({ file, line: hotLine }), /every/)
  t.regex(instead.text, /own-functions\.md/)
})

onUnix('a healthy server is blamed for nothing', async (t) => {
  const { code, stdout, report } = await diagnose(t, 'healthy.mjs', async (url) => {
    for (let n = 0; n < 10; n++) {
      const body = JSON.stringify({ password: `password ${n}` })
      const headers = { 'Content-Type': 'application/json' }
      const response = await fetch(`${url}/login`, { method: 'POST', headers, body })
      t.is((await response.text()).length, 64)
    }
  })
  t.deepEqual(report.causes, [])
  t.is(report.stalls.count, 0)
  t.is(code, 0)
  t.regex(stdout, /Nothing blocks it/)
})

onUnix(
  'a server that stood still because of the machine is not blamed, nor for the crowd that has waited',
  async (t) => {
    const { code, report } = await diagnose(t, 'healthy.mjs', async (url) => {
      const pid = Number(await (await fetch(`${url}/pid`)).text())
      process.kill(pid, 'SIGSTOP')
      const answers = Array.from({ length: 100 }, async () => (await fetch(`${url}/pid`)).text())
      // Longer than a stall.
      await setTimeout(200)
      process.kill(pid, 'SIGCONT')
      t.deepEqual([...new Set(await Promise.all(answers))], [String(pid)])
    })
    t.deepEqual(report.causes, [])
    t.deepEqual(report.crowds.causes, [])
    t.true(report.stalls.notTheServers >= 1)
    t.is(code, 0)
  },
)

function lineOf({ file, line }) {
  return readFileSync(file, 'utf8').split('\n')[line - 1]
}
