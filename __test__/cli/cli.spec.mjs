// The command line without Redis: usage, `info` and `run`.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import test from 'ava'
import { runCli, startCli, version, without } from '../helpers/cli.mjs'
import { root } from '../helpers/root.mjs'

const require = createRequire(import.meta.url)
const { kernels } = require('../../lib/native.js')
/** Those that are built in, and those of packs. */
const NAMES = [...kernels().map(({ name }) => name), ...require('../../lib/pack-kernels.js').keys()]
/** Minutes of work: whoever sees the end of it has stopped it. */
const ENDLESS = '1e13'
// Elsewhere `script`, which makes a terminal, is another program.
const onUnix = process.platform === 'win32' ? test.serial.skip : test.serial
const testOnTerminal = process.platform === 'linux' ? test.serial : test.serial.skip

test.serial('--help says how it is used, of the whole and of each command', async (t) => {
  for (const args of [
    ['--help'],
    ['-h'],
    ['worker', '--help'],
    ['info', '-h'],
    ['run', '--help'],
    ['run', 'sort', '-h'],
  ]) {
    const { code, stdout, stderr } = await runCli(args)
    t.is(code, 0, args.join(' '))
    t.regex(stdout, /^Usage: heavy-load/)
    t.is(stderr, '')
  }
})

test.serial('run --help names every kernel and its options', async (t) => {
  const { stdout } = await runCli(['run', '--help'])
  for (const { name, options } of kernels()) {
    t.true(stdout.includes(`  ${name} `), name)
    for (const option of options) t.true(stdout.includes(`--${option.name} `), option.name)
  }
})

test.serial('--version says the version', async (t) => {
  for (const flag of ['--version', '-v']) {
    t.like(await runCli([flag]), { code: 0, stdout: `${version}\n`, stderr: '' })
  }
})

test.serial('wrong usage is one line and where to find help, with exit code 2', async (t) => {
  for (const [args, message, input] of [
    [[], 'A command is missing: worker, info, run, new, types or doctor'],
    [['wrok'], "There is no command 'wrok': worker, info, run, new, types or doctor"],
    [['--wrok'], "There is no command '--wrok': worker, info, run, new, types or doctor"],
    [['info', 'x'], 'info takes no arguments'],
    [['info', '--jsn'], "Unknown option '--jsn': did you mean --json?"],
    [['info', '--zzz'], "Unknown option '--zzz'"],
    [['info', '--hel'], "Unknown option '--hel': did you mean --help?"],
    [['info', '-j'], "Unknown option '-j'"],
    [['info', '--json=1'], "Option '--json' does not take an argument"],
    [['worker', 'x'], 'worker takes only options'],
    [['worker', '--thread', '1'], "Unknown option '--thread': did you mean --threads?"],
    [['worker', '--conccurency=4'], "Unknown option '--conccurency': did you mean --concurrency?"],
    [['worker', '--threads'], "Option '--threads <value>' argument missing"],
    [['worker', '--threads', '0'], "--threads must be an integer from 1 to 1024. Received '0'"],
    [['worker', '--threads', ''], "--threads must be an integer from 1 to 1024. Received ''"],
    [['worker', '--concurrency', '1.5'], "--concurrency must be an integer from 1 to 2147483647. Received '1.5'"],
    [['worker', '--metrics-port', '65536'], "--metrics-port must be an integer from 0 to 65535. Received '65536'"],
    [['worker', '--timeout', 'soon'], "--timeout must be an integer from 0 to 2147478647. Received 'soon'"],
    [['run'], `A kernel is missing: ${NAMES.join(', ')}`],
    [['run', 'hsah', 'x'], `There is no kernel 'hsah': ${NAMES.join(', ')}`],
    [['run', '--wrong', 'x', 'hash', 'x'], "Unknown option '--wrong'"],
    [['run', 'hash'], 'hash takes one INPUT. Received 0'],
    [['run', 'hash', 'x', 'y'], 'hash takes one INPUT. Received 2'],
    [['run', 'hash', 'x', '--rounds', '1'], "Unknown option '--rounds': hash has --algorithm, --encoding"],
    [['run', 'hash', 'x', '--algoritm', 'md5'], "Unknown option '--algoritm': did you mean --algorithm?"],
    [['run', 'spin', '1', '--rounds', '1'], "Unknown option '--rounds': spin has none of its own"],
    [['run', 'spin', '1', '--timeout', '0'], "--timeout must be an integer from 1 to 2147483647. Received '0'"],
    [['run', 'heavyLoadShared', '[1.5]'], 'A number of INPUT is none of a Uint32Array'],
    [['run', 'heavyLoadShared', '[NaN]'], 'A number of INPUT is none of a Uint32Array'],
    ...['[1', '1, 2', '42', 'abc', '[1, b]', '[,]', '[[1]]', ''].map((text) => [
      ['run', 'sort', text],
      "sort takes a list of numbers, such as '[3, 1, 2]', or bytes: @FILE or -",
    ]),
    [['run', 'heavyLoadShared', '-'], 'The 1 bytes of INPUT are no Uint32Array', 'a'],
    [
      ['run', 'hash', 'x', '--max-input', '1k'],
      "--max-input must be an integer from 0 to 9007199254740991. Received '1k'",
    ],
  ]) {
    const { code, stdout, stderr } = await runCli(args, { input })
    const isCommand = ['worker', 'info', 'run', 'new', 'types', 'doctor'].includes(args[0])
    t.is(stderr, `heavy-load: ${message}\nTry 'heavy-load ${isCommand ? `${args[0]} ` : ''}--help'.\n`)
    t.is(code, 2, message)
    t.is(stdout, '')
  }
})

test.serial('run: a text that looks like the path of a file that is not there is not hashed', async (t) => {
  const paths = ['/nope', './nope', '../nope.bin', '~/nope', 'data/nope.bin', '/nope/a file', 'C:\\nope', '.\\nope']
  for (const path of paths) {
    const { code, stdout, stderr } = await runCli(['run', 'hash', path])
    t.is(code, 2, path)
    t.is(stdout, '')
    t.true(
      stderr.startsWith(`heavy-load: '${path}' looks like the path of a file, and there is none: @${path} is`),
      stderr,
    )
    t.regex(stderr, /standard input: -\n/)
  }
  for (const text of [
    'text',
    'and/or',
    '1/2',
    '/',
    'https://example.org/a/page.html',
    'a sentence. With /slash',
    '...',
    '',
  ]) {
    const { code, stdout } = await runCli(['run', 'hash', text, '--algorithm', 'sha256'])
    t.is(code, 0, text)
    t.is(stdout, `${sha256(text).toString('hex')}\n`)
  }
  const missing = await runCli(['run', 'hash', '@/nope'])
  t.is(missing.code, 1)
  t.regex(missing.stderr, /ENOENT/)
})

test.serial('a URL of Redis that is none is not shown', async (t) => {
  for (const url of [
    'secret',
    'http://:secret@host',
    'redis://:secret',
    'redis://:1/secret@host',
    'redis://:secret%@host',
  ]) {
    for (const { code, stdout, stderr } of [
      await runCli(['worker', '--redis', url]),
      await runCli(['worker', url]),
      await runCli(['run', 'spin', '1', '--queue', 'q'], { env: { REDIS_URL: url } }),
    ]) {
      t.is(code, 2)
      t.notRegex(stdout + stderr, /secret/)
    }
  }
})

test.serial('info says what is here', async (t) => {
  const { code, stdout, stderr } = await runCli(['info'])
  t.is(code, 0)
  t.is(stderr, '')
  const parts = [`heavy-load ${version}\n`, `Node.js ${process.version}, ${process.platform}-${process.arch}\n`]
  for (const { name, summary } of kernels()) parts.push(name, summary)
  for (const part of parts) t.true(stdout.includes(part), part)
  t.regex(stdout, /^\d+ threads$/m)
})

test.serial('info --json says it as JSON', async (t) => {
  const info = JSON.parse((await runCli(['info', '--json'])).stdout)
  t.is(info.version, version)
  t.true(info.threads >= 1)
  t.is(info.HEAVY_LOAD_THREADS, null)
  t.deepEqual(
    info.kernels.map(({ name }) => name),
    NAMES,
  )
  t.deepEqual(info.kernels.find(({ name }) => name === 'hash').options, ['algorithm', 'encoding'])
  const names = ['bullmq', 'express', 'fastify', 'ioredis', 'prom-client']
  t.deepEqual(info.features, Object.fromEntries(names.map((name) => [name, require(`${name}/package.json`).version])))
})

test.serial('info knows of packages that are not installed', async (t) => {
  const { stdout } = await runCli(['info'], { env: without('bullmq fastify') })
  t.regex(stdout, /^ {2}bullmq +not installed$/m)
  t.regex(stdout, /^ {2}express +\d/m)
  t.is(JSON.parse((await runCli(['info', '--json'], { env: without('bullmq') })).stdout).features.bullmq, null)
})

test.serial('info heeds HEAVY_LOAD_THREADS, and says if it is wrong', async (t) => {
  const right = await runCli(['info'], { env: { HEAVY_LOAD_THREADS: '3' } })
  t.regex(right.stdout, /^3 threads \(HEAVY_LOAD_THREADS\)$/m)
  const wrong = await runCli(['info'], { env: { HEAVY_LOAD_THREADS: 'many' } })
  t.is(wrong.code, 1)
  t.regex(wrong.stderr, /^heavy-load: ERR_INVALID_ARG_VALUE: HEAVY_LOAD_THREADS must be .*'many'\n$/)
})

test.serial('run takes a number', async (t) => {
  t.like(await runCli(['run', 'heavyLoad', '1e6']), { code: 0, stdout: '1000000\n', stderr: '' })
  const { stdout } = await runCli(['run', 'spin', '1.5'])
  t.true(Number(stdout) >= 1.5)
})

test.serial("run knows packs' kernels, and so does what lists kernels", async (t) => {
  const { kernels } = JSON.parse((await runCli(['info', '--json'])).stdout)
  t.is(kernels.find(({ name }) => name === 'imageInfo').pack, 'image')
  t.is(kernels.find(({ name }) => name === 'hash').pack, null)
  t.regex((await runCli(['run', '--help'])).stdout, /^ {2}needsRehash /m)
  const { code, stdout } = await runCli([
    'run',
    'needsRehash',
    '$2b$05$'.padEnd(60, 'a'),
    '--cost',
    '5',
    '--algorithm',
    'bcrypt',
  ])
  t.deepEqual([code, stdout], [0, 'false\n'])
})

test.serial('run takes text, whatever it looks like', async (t) => {
  for (const text of ['abc', 'grün', '{"a":1}', '[1,"a"]', '[1]', '42', 'true', '"1"', '']) {
    const { stdout } = await runCli(['run', 'hash', text, '--algorithm', 'sha256', '--encoding', 'hex'])
    t.is(stdout, `${sha256(text).toString('hex')}\n`, text)
  }
})

test.serial('run takes text that begins with a dash after --', async (t) => {
  const { stdout } = await runCli(['run', 'hash', '--algorithm', 'sha256', '--encoding', 'hex', '--', '--help'])
  t.is(stdout, `${sha256('--help').toString('hex')}\n`)
})

test.serial("run takes a file's bytes, and standard input's", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'heavy-load-cli-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251))
  const file = join(folder, 'bytes')
  await writeFile(file, bytes)
  const raw = ['--algorithm', 'sha256', '--encoding', 'buffer']
  t.deepEqual((await runCli(['run', 'hash', `@${file}`, ...raw])).bytes, sha256(bytes))
  t.deepEqual((await runCli(['run', 'hash', '-', ...raw], { input: bytes })).bytes, sha256(bytes))
  t.deepEqual((await runCli(['run', 'hash', '-', ...raw], { input: '' })).bytes, sha256(''))
  t.deepEqual((await runCli(['run', 'sort', `@${file}`])).bytes, Buffer.from(bytes).sort())
  const numbers = Buffer.from(Uint32Array.of(1, 0).buffer)
  t.is((await runCli(['run', 'heavyLoadShared', '-', '--rounds', '2'], { input: numbers })).stdout, '[67634689,0]\n')
})

test.serial('run gives digests in digits', async (t) => {
  t.is((await runCli(['run', 'hash', 'abc', '--algorithm', 'sha256'])).stdout, `${sha256('abc').toString('hex')}\n`)
  t.is((await runCli(['run', 'hash', '', '--algorithm', 'crc32', '--encoding', 'base64'])).stdout, 'AAAAAA==\n')
})

test.serial("a file's name is not taken for text", async (t) => {
  const { code, stdout, stderr } = await runCli(['run', 'hash', 'package.json'], { cwd: root })
  t.is(code, 2)
  t.is(stdout, '')
  t.regex(stderr, /^heavy-load: 'package\.json' is the name of a file: @package\.json is what is in it\. .*: -\n/)
  const named = await runCli(['run', 'hash', '-', '--algorithm', 'sha256'], { cwd: root, input: 'package.json' })
  t.is(named.stdout, `${sha256('package.json').toString('hex')}\n`)
})

test.serial('what is read is bounded, though it never ends', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'heavy-load-cli-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'bytes')
  await writeFile(file, 'abcd')
  const most = ['--max-input', '3', '--algorithm', 'crc32']
  for (const run of [
    runCli(['run', 'hash', `@${file}`, ...most]),
    runCli(['run', 'hash', '-', ...most], { input: 'abcd' }),
  ]) {
    const { code, stdout, stderr } = await run
    t.is(stderr, 'heavy-load: INPUT is longer than 3 bytes: --max-input BYTES has it read nevertheless\n')
    t.is(code, 1)
    t.is(stdout, '')
  }
  t.is((await runCli(['run', 'hash', '-', ...most], { input: 'abc' })).stdout, '352441c2\n')
})

onUnix('a device has no end', async (t) => {
  const { code, stderr } = await runCli(['run', 'hash', '@/dev/zero', '--max-input', '100000000'])
  t.is(code, 1)
  t.regex(stderr, /^heavy-load: INPUT is longer than 100000000 bytes: /)
})

onUnix('--timeout bounds the reading, too', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'heavy-load-cli-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const pipe = join(folder, 'pipe')
  t.is(spawnSync('mkfifo', [pipe]).status, 0)
  // Nobody writes into either.
  for (const input of [`@${pipe}`, '-']) {
    const { code, stdout, stderr } = await startCli(['run', 'hash', input, '--timeout', '50'], { keepOpen: true }).end
    t.is(stderr, 'heavy-load: ERR_TASK_TIMEOUT: INPUT was not read within 50 ms\n', input)
    t.is(code, 1)
    t.is(stdout, '')
  }
})

onUnix('run waits for who writes into a pipe, and SIGTERM ends the waiting', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'heavy-load-cli-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const pipe = join(folder, 'pipe')
  t.is(spawnSync('mkfifo', [pipe]).status, 0)
  const { end } = startCli(['run', 'hash', `@${pipe}`, '--algorithm', 'sha256'])
  await writeFile(pipe, 'abc')
  t.is((await end).stdout, `${sha256('abc').toString('hex')}\n`)
  const waiting = startCli(['run', 'hash', `@${pipe}`])
  // It is opened once there is somebody to read from it.
  const writer = await open(pipe, 'w')
  waiting.child.kill('SIGTERM')
  t.like(await waiting.end, { code: 143, signal: null, stdout: '', stderr: '' })
  await writer.close()
})

onUnix('run takes files of more than 2 GiB', async (t) => {
  const size = 2 ** 31 + 5
  if (freemem() < 2 * size) {
    t.pass('too little memory here')
    return
  }
  const folder = await mkdtemp(join(tmpdir(), 'heavy-load-cli-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'zeros')
  await writeFile(file, '')
  await truncate(file, size)
  const { stdout, stderr } = await runCli(['run', 'hash', `@${file}`, '--algorithm', 'crc32'])
  t.is(stderr, '')
  const piece = Buffer.alloc(1 << 20)
  let whole = 0
  for (let at = 0; at < size; at += piece.length) whole = crc32(piece.subarray(0, size - at), whole)
  t.is(stdout, `${whole.toString(16).padStart(8, '0')}\n`)
})

test.serial('run takes a list of numbers, of the kind that the kernel takes', async (t) => {
  t.is((await runCli(['run', 'sort', '[3, 1e2, -2.5]'])).stdout, '[-2.5,3,100]\n')
  t.is((await runCli(['run', 'sort', '[]'])).stdout, '[]\n')
  t.is((await runCli(['run', 'sort', '[NaN, 1, Infinity, -Infinity, -0]'])).stdout, '[-Infinity,0,1,Infinity,NaN]\n')
  // xorshift32, from 1.
  t.is((await runCli(['run', 'heavyLoadShared', '[1, 0]', '--rounds', '2'])).stdout, '[67634689,0]\n')
})

test.serial('run writes long lists whole', async (t) => {
  // More than is written at once, and not too much for an argument.
  const numbers = Array.from({ length: 25_000 }, (_, i) => Math.floor(i / 2500))
  const { stdout } = await runCli(['run', 'sort', JSON.stringify([...numbers].reverse())])
  t.deepEqual(JSON.parse(stdout), numbers)
})

test.serial('a failure is one line, with exit code 1', async (t) => {
  for (const [args, message] of [
    [['heavyLoad', ''], /^ERR_INVALID_ARG_TYPE: The "iterations" argument must be of type number\./],
    [['heavyLoad', '[1]'], /^ERR_INVALID_ARG_TYPE: The "iterations" argument must be of type number\./],
    [['heavyLoad', '-'], /^ERR_INVALID_ARG_TYPE: The "iterations" argument must be of type number\./],
    [['heavyLoad', 'many'], /^ERR_INVALID_ARG_TYPE: The "iterations" argument must be of type number\./],
    [['heavyLoad', '1.5'], /^ERR_OUT_OF_RANGE: The value of "iterations" is out of range\./],
    [
      ['hash', 'x', '--algorithm', 'md5'],
      /^ERR_INVALID_ARG_VALUE: The "options.algorithm" property must be one of: 'blake3'/,
    ],
    [['hash', '@there-is-no-such-file'], /^ENOENT: no such file or directory, open 'there-is-no-such-file'$/],
    [['spin', ENDLESS, '--timeout', '20'], /^ERR_TASK_TIMEOUT: /],
  ]) {
    const { code, stdout, stderr } = await runCli(['run', ...args])
    const [, line, rest] = /^heavy-load: (.*)\n(.*)$/s.exec(stderr)
    t.regex(line, message)
    t.notRegex(line, /\n/)
    t.is(rest, '')
    t.is(code, 1, line)
    t.is(stdout, '')
  }
})

test.serial('who stops reading the result ends it without a word', async (t) => {
  const numbers = JSON.stringify(Array.from({ length: 25_000 }, () => 0))
  const { child, end } = startCli(['run', 'sort', numbers])
  child.stdout.destroy()
  t.like(await end, { code: 0, signal: null, stderr: '' })
})

test.serial('SIGTERM stops it', async (t) => {
  const { child, end } = startCli(['run', 'heavyLoad', ENDLESS])
  await once(child, 'spawn')
  child.kill('SIGTERM')
  const { code, signal, stdout, stderr } = await end
  // By its own hands, if it was so far already.
  t.true(signal === 'SIGTERM' || code === 143)
  t.is(stdout + stderr, '')
})

testOnTerminal('a terminal shows progress, which goes away at the end', async (t) => {
  const { code, stdout } = await runCli(['run', 'spin', '400'], { onTerminal: true })
  t.is(code, 0)
  const [result, ...shown] = stdout.split('\r\x1b[2K').reverse()
  // What it took, which is at least what was asked for.
  t.regex(result, /^\d+\.\d+\r\n$/)
  t.true(Number(result) >= 400)
  t.is(shown.pop(), '')
  t.true(shown.length >= 2)
  for (const bar of shown.filter((text) => text !== '')) t.regex(bar, /^█*░* \d+ % \d+\.\d s$/)
  const fractions = shown.reverse().map((bar) => Number.parseInt(/\d+/.exec(bar)?.[0] ?? '100', 10))
  t.deepEqual(
    fractions,
    [...fractions].sort((a, b) => a - b),
  )
})

testOnTerminal('a terminal shows bytes as digits, and of long results the beginning', async (t) => {
  const onTerminal = async (...args) => {
    const { stdout } = await runCli(['run', ...args], { onTerminal: true })
    return stdout.split('\r\x1b[2K').at(-1).trimEnd()
  }
  t.is(await onTerminal('hash', 'abc', '--algorithm', 'sha256'), sha256('abc').toString('hex'))
  t.is(await onTerminal('sort', '[2,1]'), '[1,2]')
  const folder = await mkdtemp(join(tmpdir(), 'heavy-load-cli-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'bytes'), 'a'.repeat(1000))
  t.is(await onTerminal('sort', `@${join(folder, 'bytes')}`), `${'61'.repeat(256)}... (1000 bytes)`)
  const zeros = JSON.stringify(Array.from({ length: 250 }, () => 0))
  t.is(await onTerminal('sort', zeros), `[${Array(100).fill(0).join(',')},... 150 more]`)
})

testOnTerminal('Ctrl-C cancels the task', async (t) => {
  const { child, end, says } = startCli(['run', 'heavyLoad', ENDLESS], { onTerminal: true })
  await says(/ % /, 'stdout')
  child.stdin.write('\x03')
  const { code, stdout } = await end
  t.is(code, 130)
  t.true(stdout.endsWith('\r\x1b[2K'), stdout)
})

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest()
}
