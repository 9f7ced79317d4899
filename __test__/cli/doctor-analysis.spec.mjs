// `heavy-load doctor`: from a profile to what is blamed, without processes and clocks.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import test from 'ava'
import { root } from '../helpers/root.mjs'

const require = createRequire(import.meta.url)
const { reportOf } = require('../../lib/cli/doctor/report.js')
const { packageOf } = require('../../lib/cli/doctor/frames.js')
const { textOf } = require('../../lib/cli/doctor/text.js')

/** Stacks are written from the outermost function to the innermost: `name file:line`. */
const SERVER = ['handle node:_http_server:1', 'login /app/server.js:10']
const IDLE = ['(idle)']
const COLLECTOR = ['(garbage collector)']
const PROGRAM = ['(program)']

test('a function of a package, by what was called of it, and the user’s function that did', (t) => {
  const report = of([
    [
      [...SERVER, 'hashSync /app/node_modules/bcryptjs/index.js:5', '_crypt /app/node_modules/bcryptjs/index.js:90'],
      100,
    ],
  ])
  t.is(report.stalls.count, 1)
  t.like(report.causes[0], {
    kind: 'package',
    package: 'bcryptjs',
    function: 'hashSync',
    file: '/app/node_modules/bcryptjs/index.js',
    line: 5,
    share: 1,
    stalls: 1,
    longest: 100,
    caller: { function: 'login', file: '/app/server.js', line: 10, isExact: false },
    instead: { call: 'hashPassword', from: 'heavy-load/passwords' },
  })
})

test('what to call instead, of each package and function', (t) => {
  for (const [name, called, call] of [
    ['bcryptjs', 'compareSync', 'verifyPassword'],
    ['bcrypt', 'hashSync', 'hashPassword'],
    ['bcryptjs', 'next', 'verifyPassword, hashPassword'],
    ['bcryptjs', 'genSaltSync', 'hashPassword'],
    ['argon2', 'verifySync', 'verifyPassword'],
    ['jimp', 'resize', 'resizeImage'],
    ['@jimp/plugin-resize', 'resize', 'resizeImage'],
    ['pako', 'ungzip', 'decompress'],
    ['pako', 'inflate', 'decompress'],
    ['pako', 'deflate', 'compress'],
    ['pako', 'deflateRaw', null],
    ['pako', 'push', 'compress, decompress'],
    ['fflate', 'deflateSync', null],
    ['fflate', 'inflate', null],
    ['fflate', 'zlibSync', 'compress'],
    ['fflate', 'unzlibSync', 'decompress'],
    ['tiktoken', 'encode', 'countTokens'],
    ['js-tiktoken', 'encode', 'countTokens'],
    ['gpt-tokenizer', 'encode', 'countTokens'],
    ['marked', 'parse', 'renderMarkdown'],
    ['markdown-it', 'render', 'renderMarkdown'],
    ['sanitize-html', 'sanitizeHtml', 'sanitizeHtml'],
    ['turndown', 'turndown', 'htmlToMarkdown'],
    ['xlsx', 'readSync', 'convertTable'],
    ['csv-parse', 'parse', 'convertTable'],
    ['lodash', 'sortBy', null],
    ['toString', 'call', null],
  ]) {
    const { causes } = of([[[...SERVER, `${called} /app/node_modules/${name}/index.js:5`], 100]])
    t.is(causes[0].package, name)
    t.is(causes[0].instead.call, call, `${name} ${called}`)
    if (call === null) t.regex(causes[0].instead.text, /no call .*own-functions\.md/)
    else t.true(isPageOf(causes[0].instead), `${name} ${called}`)
  }
})

test('what reads requests cannot leave the thread, which the advice says', (t) => {
  const report = of([[['handle node:_http_server:1', 'done /app/node_modules/body-parser/lib/read.js:134'], 100]])
  t.is(report.causes[0].instead.call, null)
  t.regex(report.causes[0].instead.text, /lower limit/)
  t.notRegex(report.causes[0].instead.text, /loadFunctions/)
})

test('a known package is named, also where a package of its own does the work', (t) => {
  const entry = [...SERVER, 'sanitizeHtml /app/node_modules/sanitize-html/index.js:8']
  const inner = 'parse /app/node_modules/htmlparser2/index.js:70'
  const { causes } = of([
    [[...entry, inner], 50],
    [[...entry, inner, 'ontext /app/node_modules/sanitize-html/index.js:90'], 50],
  ])
  t.is(causes.length, 1)
  t.like(causes[0], { package: 'sanitize-html', function: 'sanitizeHtml', line: 8, share: 1 })
})

test('of unknown packages the nearest is named', (t) => {
  const { causes } = of([
    [['next /app/node_modules/express/router.js:1', 'sort /app/node_modules/one/node_modules/@two/three/x.js:4'], 100],
  ])
  t.like(causes[0], { package: '@two/three', function: 'sort', caller: null })
})

test('a package that calls back has not done the callback’s work', (t) => {
  const { causes } = of([
    [[...SERVER, 'parse /app/node_modules/csv-parse/index.js:5', 'toPrice /app/prices.js:3'], 100],
  ])
  t.like(causes[0], { kind: 'own', package: null, function: 'toPrice', file: '/app/prices.js', line: 3, caller: null })
})

test('a function of the user’s own: its hottest line, if there is one', (t) => {
  const stack = [...SERVER, 'primes /app/primes.js:3']
  const lines = (ticks) => ({ lines: new Map([[stack.join(), ticks]]) })
  const hot = of([[stack, 100]], {
    ...lines([
      [4, 1],
      [6, 9],
    ]),
    readLine: (file, line) => `${file} ${line}`,
  }).causes[0]
  t.like(hot, { hotLine: 6, source: '/app/primes.js 6' })
  const flat = Array.from({ length: 10 }, (_, n) => [n + 4, 1])
  t.like(of([[stack, 100]], lines(flat)).causes[0], { hotLine: null, source: null })
})

test('a pattern in that line may be what takes the time', (t) => {
  const stack = [...SERVER, 'check /app/check.js:3']
  const lines = new Map([[stack.join(), [[4, 10]]]])
  const text = (line) => of([[stack, 100]], { lines, readLine: () => line }).causes[0].instead.text
  t.regex(text('return /(a+)+$/.test(name)'), /own-functions\.md.*matchText/)
  t.notRegex(text('sum += n'), /matchText/)
})

test('a native call is named by its note, with the line of the call', (t) => {
  const caller = { function: 'login', file: '/app/server.js', line: 14 }
  const note = (name, file = '') => ({ name, file, start: 10, end: 109, caller })
  const stack = [...SERVER, 'call /doctor/natives.js:9', 'AnyName']
  t.like(of([[stack, 100]], { notes: [note('JSON.parse')] }).causes[0], {
    kind: 'native',
    package: null,
    function: 'JSON.parse',
    caller: { ...caller, isExact: true },
    instead: { call: 'queryJson' },
  })
  const addon = '/app/node_modules/@node-rs/bcrypt-linux-x64-gnu/bcrypt.node'
  t.like(of([[stack, 100]], { notes: [note('hashSync', addon)] }).causes[0], {
    kind: 'native',
    package: '@node-rs/bcrypt',
    function: 'hashSync',
    instead: { call: 'hashPassword' },
  })
})

test('of calls within each other the inner one is named', (t) => {
  const at = (name, start, end) => ({ name, file: '', start, end, caller: null })
  const stack = [...SERVER, 'call /doctor/natives.js:9']
  const notes = [at('zlib.gunzipSync', 30, 60), at('JSON.parse', 10, 110)]
  const { causes } = of(
    [
      [stack, 20],
      [stack, 30],
      [stack, 50],
    ],
    { notes },
  )
  t.deepEqual(
    causes.map((cause) => [cause.function, cause.time]),
    [
      ['JSON.parse', 70],
      ['zlib.gunzipSync', 30],
    ],
  )
})

test('without a note a native function has no name, and its caller is blamed', (t) => {
  t.like(of([[[...SERVER, 'WrongName'], 100]]).causes[0], { kind: 'own', function: 'login', native: 'native code' })
  t.like(of([[[...SERVER, 'x wasm://wasm/1'], 100]]).causes[0], {
    kind: 'own',
    function: 'login',
    native: 'native code',
  })
})

test('calls of Node.js are named by the function that was called', (t) => {
  for (const [frames, name, call] of [
    [['pbkdf2Sync node:internal/crypto/pbkdf2:61', 'run'], 'crypto.pbkdf2Sync', 'hashPassword'],
    [['scryptSync node:internal/crypto/scrypt:80', 'run'], 'crypto.scryptSync', 'verifyPassword, hashPassword'],
    [['execSync node:child_process:9', 'spawnSync node:child_process:1', 'spawn'], 'child_process.execSync', null],
    [['syncBufferWrapper node:zlib:765', 'writeSync'], "zlib's *Sync", 'compress, decompress'],
    [['update node:internal/crypto/hash:131', 'update'], 'crypto.Hash.update', 'hash'],
    [['readFileSync node:fs:440', 'read'], 'fs.readFileSync', null],
    [['require node:internal/modules/helpers:1', 'wrapSafe node:internal/modules/cjs/loader:3'], 'require', null],
  ]) {
    const [cause] = of([[[...SERVER, ...frames], 100]]).causes
    t.like(cause, { kind: 'native', function: name, caller: { function: 'login' } })
    t.is(cause.instead.call, call, name)
    if (call !== null) t.true(isPageOf(cause.instead), name)
  }
})

test('of heavy-load’s own synchronous forms it says that there are others', (t) => {
  const notes = [{ name: 'runSync', file: '', start: 10, end: 110, caller: null }]
  const stack = [...SERVER, 'resizeImageSync /app/node_modules/heavy-load/lib/pool.js:9', 'call /doctor/natives.js:9']
  const [cause] = of([[stack, 100]], { notes }).causes
  t.like(cause, { kind: 'package', package: 'heavy-load', function: 'resizeImageSync' })
  t.regex(cause.instead.text, /form without Sync/)
})

test('a small function of Node.js is its caller’s', (t) => {
  t.like(of([[[...SERVER, 'concat node:buffer:576'], 100]]).causes[0], { kind: 'own', function: 'login' })
})

test('what a package does natively is said, if it is not known', (t) => {
  const notes = [{ name: 'JSON.parse', file: '', start: 10, end: 110, caller: null }]
  const stack = ['read /app/node_modules/body-parser/read.js:7', 'call /doctor/natives.js:9']
  t.like(of([[stack, 100]], { notes }).causes[0], {
    package: 'body-parser',
    native: 'JSON.parse',
    instead: { call: 'queryJson' },
  })
})

test('modules that are loaded while requests wait', (t) => {
  const { causes } = of([[[...SERVER, ' /app/heavy.js:1'], 100]])
  t.like(causes[0], { kind: 'own', function: '(module)', file: '/app/heavy.js' })
  t.regex(causes[0].instead.text, /before the server listens/)
})

test('the garbage collector runs for whoever goes on after it', (t) => {
  const stack = [...SERVER, 'build /app/build.js:1']
  const within = of([
    [stack, 40],
    [COLLECTOR, 30],
    [PROGRAM, 10],
    [stack, 20],
  ])
  t.deepEqual(
    within.causes.map(({ function: name, time }) => [name, time]),
    [['build', 100]],
  )
  const between = of([
    [stack, 30],
    [COLLECTOR, 50],
    [SERVER, 20],
  ])
  t.deepEqual(
    between.causes.map(({ kind, time }) => [kind, time]),
    [
      ['collector', 50],
      ['own', 30],
      ['own', 20],
    ],
  )
})

test('nobody is blamed for a stall in which the machine had no CPU', (t) => {
  const rows = [[[...SERVER, 'short /app/short.js:1'], 100]]
  const { stalls, causes } = of(rows, { cpu: 20 })
  t.like(stalls, { count: 0, time: 0, longest: 0, notTheServers: 1 })
  t.deepEqual(causes, [])
  t.is(of([[IDLE, 100]]).stalls.count, 0)
})

test('many short pieces of work are nobody’s fault, but for what need not be done there', (t) => {
  const rows = [
    [[...SERVER, 'handle /app/node_modules/express/index.js:1'], 60],
    [[...SERVER, 'parse /app/node_modules/marked/index.js:1'], 40],
  ]
  const { stalls, causes, crowds } = of(rows, { isCrowd: true })
  t.is(stalls.count, 0)
  t.deepEqual(causes, [])
  t.like(crowds, { count: 1, time: 100, longest: 100 })
  t.deepEqual(
    crowds.causes.map((cause) => [cause.package, cause.share]),
    [['marked', 0.4]],
  )
})

test('a call that waits without a CPU blocks as well', (t) => {
  const { causes } = of([[[...SERVER, 'execSync node:child_process:9', 'spawn'], 100]], { cpu: 1 })
  t.is(causes[0].function, 'child_process.execSync')
})

test('what was before the server listened does not count, nor what is shorter than a stall', (t) => {
  const rows = [[[...SERVER, 'start /app/start.js:1'], 100]]
  t.is(of(rows, { listening: 50 }).stalls.count, 0)
  t.is(of(rows, { listening: 5 }).stalls.count, 1)
  t.is(of(rows, { listening: null }).stalls.count, 1)
  t.is(of(rows, { threshold: 101 }).stalls.count, 0)
})

test('shares, in the order of what they take', (t) => {
  const a = [...SERVER, 'a /app/a.js:1']
  const b = [...SERVER, 'b /app/b.js:1']
  const rare = [...SERVER, 'rare /app/rare.js:1']
  const { causes, stalls } = of([
    [a, 60],
    [b, 239],
    [rare, 1],
  ])
  t.deepEqual(
    causes.map((cause) => [cause.function, cause.share]),
    [
      ['b', 239 / 300],
      ['a', 60 / 300],
    ],
  )
  t.is(stalls.time, 300)
})

test('a profile without samples', (t) => {
  t.like(of([]), { causes: [], stalls: { count: 0 } })
})

test('the package of a path, on each system', (t) => {
  t.is(packageOf('/app/node_modules/.pnpm/marked@1/node_modules/marked/lib/x.js'), 'marked')
  t.is(packageOf('C:\\app\\node_modules\\@node-rs\\bcrypt\\index.js'), '@node-rs/bcrypt')
  t.is(packageOf('/app/server.js'), undefined)
  t.is(packageOf('/app/node_modules'), undefined)
})

test('as text: what, how much, where, and what instead', (t) => {
  const report = of([[[...SERVER, 'hashSync /app/node_modules/bcryptjs/index.js:5'], 100]])
  const text = textOf(report, { server: 'server.js', threshold: 50, folder: '/app' })
  t.regex(text, /^server\.js was watched for /)
  t.regex(text, /It stalled once for 50 ms or more, 100 ms in all, by:/)
  t.regex(text, / 1\. bcryptjs: hashSync: 100 % of that, in 1 stall, the longest 100 ms\n/)
  t.regex(text, /called by login, which begins at server\.js:10\n/)
  t.regex(text, /instead: hashPassword of heavy-load\/passwords \(docs\/guides\/passwords\.md\)\n/)
})

test('a handler without a name, by its route, and each by its own', (t) => {
  const lines = {
    10: "app.post('/login', async (req, res) => {",
    20: 'router.all("/any", check, (req, res) => {',
    30: 'const later = () => {',
    40: "fastify.get('/report', () => {",
  }
  const hash = 'hashSync /app/node_modules/bcryptjs/index.js:5'
  const handler = (line) => [SERVER[0], ` /app/server.js:${line}`]
  const note = {
    name: 'JSON.parse',
    file: '',
    start: 210,
    end: 260,
    caller: { function: 'x', file: '/app/server.js', line: 12 },
  }
  const report = of(
    [
      [[...handler(10), hash], 80],
      [[...handler(20), hash], 70],
      [[...handler(30), hash], 50],
      [[...handler(10), 'call /doctor/natives.js:9'], 50],
      [handler(40), 40],
    ],
    { notes: [note], readLine: (_, line) => lines[line] ?? null },
  )
  t.deepEqual(
    report.causes.map(({ route, caller }) => [route, caller?.route]),
    [
      [null, 'POST /login'],
      [null, '/any'],
      [null, null],
      [null, 'POST /login'],
      ['GET /report', undefined],
    ],
  )
  const text = textOf(report, { server: 'server.js', threshold: 50, folder: '/app' })
  t.regex(text, /called by the handler of POST \/login, which begins at server\.js:10\n/)
  t.regex(text, /called by a function without a name, which begins at server\.js:30\n/)
  t.regex(text, /called at server\.js:12, in the handler of POST \/login\n/)
  t.regex(text, / 5\. the handler of GET \/report: /)
})

test('as text: why it was late for longer than any stall took', (t) => {
  const rows = [[[...SERVER, 'hashSync /app/node_modules/bcryptjs/index.js:5'], 100]]
  const text = (delay) => textOf(of(rows, { delay }), { server: 'server.js', threshold: 50, folder: '/app' })
  t.regex(text(300), /The longest stall took 100 ms: it was late for longer where several/)
  t.notRegex(text(110), /several/)
})

test('as text: no stall clears a server that had something to do, and what is no server', (t) => {
  const text = (options) => textOf(of([], options), { server: 'server.js', threshold: 50, folder: '/app' })
  t.regex(text({ requests: 1 }), / s, in which 1 request came\. .*\nNothing blocks it/)
  t.regex(text({ requests: 0 }), / s, in which no request came\. .*\nNothing can be said of it: .* needs a load/)
  t.regex(text({ requests: 0, listening: null }), / s\. .*\nNothing blocks it/s)
})

/** Whether the page that it names is there. */
function isPageOf({ guide, text }) {
  return text.endsWith(` (${guide})`) && existsSync(join(root, guide))
}

/**
 * The report of a server that was idle for 10 ms and then stalled with these stacks, each for so many milliseconds.
 */
function of(
  rows,
  {
    notes = [],
    cpu,
    isCrowd = false,
    listening = 0,
    requests = 1,
    delay = 0,
    threshold = 50,
    lines = new Map(),
    ...rest
  } = {},
) {
  const nodes = [{ id: 1, callFrame: frame('(root)'), children: [] }]
  const ids = new Map()
  const samples = []
  const timeDeltas = []
  let time = 0
  for (const [stack, ms] of [[IDLE, 10], ...rows]) {
    samples.push(idOf(stack))
    timeDeltas.push(time === 0 ? 0 : time * 1000)
    time = ms
  }
  const end = rows.reduce((sum, [, ms]) => sum + ms, 10)
  const recording = {
    start: 0,
    listening,
    end,
    offset: 7,
    workers: 0,
    requests,
    delay: { median: 0, p99: 0, longest: delay },
    stalls: rows.length === 0 ? [] : [{ start: 10, end, cpu: cpu ?? end - 10, isCrowd }],
    notes,
    profile: { nodes, startTime: 7000, endTime: (end + 7) * 1000, samples, timeDeltas },
  }
  const isDoctor = (file) => file.startsWith('/doctor/')
  return reportOf(recording, { threshold, isDoctor, readLine: () => null, ...rest })

  function idOf(stack) {
    let parent = nodes[0]
    for (let n = 1; n <= stack.length; n++) {
      const key = stack.slice(0, n).join()
      if (!ids.has(key)) {
        const positionTicks = lines.get(key)?.map(([line, ticks]) => ({ line, ticks }))
        const node = { id: nodes.length + 1, callFrame: frame(stack[n - 1]), children: [], positionTicks }
        parent.children.push(node.id)
        nodes.push(node)
        ids.set(key, node)
      }
      parent = ids.get(key)
    }
    return parent.id
  }
}

function frame(text) {
  const [, functionName, url = '', line = 0] = /^(\(.*\)|\S*)(?: (\S+?)(?::(\d+))?)?$/.exec(text)
  return { functionName, url, lineNumber: line - 1, columnNumber: functionName === '' ? 0 : 5 }
}
