// What binaries for Linux ask of the system: `node scripts/check-binaries.mjs FILE... [--glibc 2.28]`. Fails for one that needs a later glibc (one that needs
// none is of musl), or that takes room in the block of thread-local memory of which a process has little left once it runs.
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'

/** Bytes of thread-local memory with which a library can still be loaded at run time: glibc keeps 1664 for all of them. */
const MOST_TLS = 512

const { values, positionals } = parseArgs({
  options: { glibc: { type: 'string', default: '2.28' } },
  allowPositionals: true,
})
if (positionals.length === 0) throw new Error('Usage: node scripts/check-binaries.mjs FILE... [--glibc VERSION]')
let failures = 0
for (const file of positionals) {
  const [glibc, tls] = [neededGlibc(file), staticTls(file)]
  const problems = []
  if (compare(glibc, values.glibc) > 0) problems.push(`needs glibc ${glibc}, later than ${values.glibc}`)
  if (tls > MOST_TLS) problems.push(`takes ${tls} bytes of static thread-local memory, more than ${MOST_TLS}`)
  console.log(`${file}: glibc ${glibc}, static TLS ${tls}${problems.map((problem) => `; ${problem}`).join('')}`)
  failures += problems.length
}
process.exitCode = failures > 0 ? 1 : 0

/** @param {string} file */
function neededGlibc(file) {
  const found = read(['--version-info', '--wide', file]).matchAll(/GLIBC_(\d+(?:\.\d+)+)/g)
  return (
    [...found]
      .map(([, version]) => version)
      .sort(compare)
      .at(-1) ?? '0'
  )
}

/**
 * Bytes of the segment, if the library has said that it must be in the block that is made when the process starts.
 * @param {string} file
 */
function staticTls(file) {
  if (!read(['--dynamic', file]).includes('STATIC_TLS')) return 0
  const [, , , , , size] =
    /^\s*TLS\s.*$/m
      .exec(read(['--program-headers', '--wide', file]))?.[0]
      .trim()
      .split(/\s+/) ?? []
  return Number(size ?? 0)
}

/** @param {string[]} args */
function read(args) {
  return execFileSync('readelf', args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
}

/**
 * @param {string} one
 * @param {string} other
 */
function compare(one, other) {
  const [left, right] = [one, other].map((version) => version.split('.').map(Number))
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
