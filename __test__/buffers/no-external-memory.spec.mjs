// Runtimes that take no memory of an addon's into the JavaScript heap, as Electron: results are copied, and all is as elsewhere.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { runFixture } from '../helpers/child.mjs'
import { root } from '../helpers/root.mjs'

/** Functions of Node-API, and names of the same length. An executable's own functions cannot be replaced by a library: so the addon asks for others. */
const REFUSED = ['napi_create_external_arraybuffer', 'napi_create_external_buffer']
const renamed = (name) => name.replace('napi', 'none')

const onLinux = process.platform === 'linux' ? test : test.skip
onLinux('every kernel and every hand-over, where external memory is refused', async (t) => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'heavy-load-external-'))
  t.teardown(() => fs.rmSync(folder, { recursive: true }))
  const name = fs.readdirSync(root).find((file) => file.startsWith('heavy-load.linux-') && file.endsWith('.node'))
  let addon = fs.readFileSync(join(root, name), 'latin1')
  for (const name of REFUSED) {
    t.true(addon.includes(`\0${name}\0`), name)
    addon = addon.replaceAll(`\0${name}\0`, `\0${renamed(name)}\0`)
  }
  fs.writeFileSync(join(folder, name), addon, 'latin1')
  // 22 is napi_no_external_buffers_allowed.
  const functions = REFUSED.map((name) => `int ${renamed(name)}(void) { write(2, "refused\\n", 8); return 22; }\n`)
  fs.writeFileSync(join(folder, 'refusing.c'), `#include <unistd.h>\n${functions.join('')}`)
  const library = join(folder, 'refusing.so')
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, join(folder, 'refusing.c')])

  const { code, stdout, stderr } = await runFixture('runtimes/require.cjs', {
    env: { LD_PRELOAD: library, NAPI_RS_NATIVE_LIBRARY_PATH: join(folder, name) },
  })
  t.is(code, 0, stderr)
  t.regex(stderr, /^(refused\n)+$/)
  t.deepEqual(JSON.parse(stdout).failed, [])
})
