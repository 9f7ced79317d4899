// Where there is no memory for a text's tree, the call ends with an error, and the process goes on.
import { spawnSync } from 'node:child_process'
import test from 'ava'

const hasLimits = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0
const testWithLimits = hasLimits ? test : test.skip

const PROGRAM = `
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { htmlToMarkdownSync, renderMarkdownSync, sanitizeHtmlSync } from 'heavy-load/text'
const calls = [
  [sanitizeHtmlSync, '<b>x</b>'], [sanitizeHtmlSync, '&'], [sanitizeHtmlSync, '<table>&'],
  [htmlToMarkdownSync, '<em>a</em>'], [renderMarkdownSync, '*a '], [renderMarkdownSync, '[a](b) '],
]
for (const [call, piece] of calls) call(piece)
// So much that it needs several times what there is: V8 itself ends where next to nothing is left.
const texts = calls.map(([call, piece]) => [call, piece.repeat((call === renderMarkdownSync ? 2 ** 22 : 2 ** 23) / piece.length)])
const size = Number(/VmSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + (size + 50 * 2 ** 20) + ':'])
const codes = texts.map(([call, text]) => {
  try {
    return call(text) && 'value'
  } catch (error) {
    return error.code
  }
})
console.log(JSON.stringify([...codes, sanitizeHtmlSync('<b>x</b>')]))
`

testWithLimits('memory that is refused is an error', (t) => {
  // Threads of V8's own would end the process where they get none.
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--single-threaded', '--input-type=module', '-e', PROGRAM],
    {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    },
  )
  t.is(signal, null, stderr)
  t.is(status, 0, stderr)
  t.deepEqual(JSON.parse(stdout), [...Array.from({ length: 6 }, () => 'ERR_OUT_OF_MEMORY'), '<b>x</b>'])
})
