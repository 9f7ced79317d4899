// loadKernels: what it gives, that it loads a library once, and what it says of those that it cannot load.
import { copyFileSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { defaultPool, hash, kernel, loadKernels, Pool } from 'heavy-load'
import { buildPlugin, PLUGGED } from '../helpers/plugins.mjs'

const folder = mkdtempSync(join(tmpdir(), 'heavy-load-loading-'))

test('gives three forms of each kernel, which are known by name from then on', async (t) => {
  const kernels = loadKernels(PLUGGED)
  const abc = Buffer.from('abc')
  t.is(kernels.pluggedHashSync(abc, { encoding: 'hex' }), await hash(abc, { encoding: 'hex' }))
  t.is(await kernels.pluggedHeavyLoadAsync(1e5), 1e5)
  t.is(await kernels.pluggedHeavyLoad(1e6), 1e6)
  t.is(kernel('pluggedHeavyLoad'), kernels.pluggedHeavyLoad)
  t.is(await defaultPool.run('pluggedHeavyLoad', 5), 5)
  t.is(await defaultPool.run(kernels.pluggedHeavyLoad, 5), 5)
  t.is(kernels.pluggedHeavyLoad.name, 'pluggedHeavyLoad')
  t.is(kernels.pluggedHeavyLoadSync.kernel, 'pluggedHeavyLoad')
})

test('many in flight, as with kernels that are built in', async (t) => {
  const { pluggedHeavyLoad } = loadKernels(PLUGGED)
  const inputs = Array.from({ length: 2000 }, (_, at) => at)
  t.deepEqual(await Promise.all(inputs.map((input) => pluggedHeavyLoad(input))), inputs)
})

test('loads a library once, by whatever name, in whatever thread', async (t) => {
  const link = join(folder, 'link.node')
  symlinkSync(PLUGGED, link)
  const kernels = loadKernels(PLUGGED)
  for (const path of [link, pathToFileURL(PLUGGED), pathToFileURL(link).href]) {
    t.is(loadKernels(path).pluggedHeavyLoad, kernels.pluggedHeavyLoad)
  }
  const code = `
    const { workerData, parentPort } = require('node:worker_threads')
    const { loadKernels, kernel } = require(workerData.root)
    kernel('pluggedSpin')(1).then(() => loadKernels(workerData.file).pluggedHeavyLoad(7)).then((value) => parentPort.postMessage(value))`
  const root = new URL('../../index.js', import.meta.url).pathname
  const workers = [1, 2].map(() => new Worker(code, { eval: true, workerData: { root, file: PLUGGED } }))
  const values = await Promise.all(
    workers.map((worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))),
  )
  t.deepEqual(values, [7, 7])
  await Promise.all(workers.map((worker) => worker.terminate()))
})

test('a pool of its own, statistics and options are as ever', async (t) => {
  const { pluggedSpin } = loadKernels(PLUGGED)
  const pool = new Pool({ threads: 1 })
  const controller = new AbortController()
  const tasks = [
    pluggedSpin(1, { pool, key: 'a', priority: 'high' }),
    pluggedSpin(1e5, { pool, signal: controller.signal, onProgress: () => controller.abort() }),
  ]
  const ends = await Promise.allSettled(tasks)
  t.deepEqual(
    ends.map(({ reason }) => reason?.code),
    [undefined, 'ABORT_ERR'],
  )
  const { completed, cancelled } = pool.stats()
  t.deepEqual({ completed, cancelled }, { completed: 1, cancelled: 1 })
  await pool.close()
})

test('only absolute paths and file: URLs', (t) => {
  for (const path of [
    'kernels.node',
    './kernels.node',
    '',
    'file://host/kernels.node',
    new URL('https://example.org/k.node'),
    '/a\0b',
  ]) {
    t.throws(() => loadKernels(path), { code: 'ERR_INVALID_ARG_VALUE' }, String(path))
  }
  for (const path of [undefined, null, 5, {}, ['/x'], Symbol('x')]) {
    t.throws(() => loadKernels(path), { code: 'ERR_INVALID_ARG_TYPE' }, typeof path)
  }
})

test('says why a library cannot be loaded, and what to do', (t) => {
  const text = join(folder, 'text.node')
  writeFileSync(text, 'no library, though it names heavy_load_plugin_v1')
  const other = join(folder, 'other.node')
  writeFileSync(other, 'nothing of the kind')
  for (const [file, message] of [
    [join(folder, 'missing.node'), /there is no such file\. Build it first/],
    [folder, /there is no such file/],
    [other, /exports no function heavy_load_plugin_v1/],
    [text, /does not load it as a library \(.+\)\. It must be built for this platform, linux x86_64|aarch64|macos/],
    [buildPlugin('noEntry', { NO_ENTRY: 1 }), /exports no function heavy_load_plugin_v1/],
    [buildPlugin('later', { ABI: 2 }), /is for version 2 of the plug-in interface, not 1\. Build it again/],
    [buildPlugin('unwilling', { COUNT: 99 }), /says that it cannot be used here/],
    [buildPlugin('empty', { COUNT: 0 }), /has 0 kernels/],
    [buildPlugin('hash'), /There is a kernel 'hash' already/],
    [buildPlugin('Upper'), /its name is 'Upper'/],
    [buildPlugin('spinSync'), /its name is 'spinSync'/],
  ]) {
    const error = t.throws(() => loadKernels(file), { code: 'ERR_PLUGIN_LOAD', name: 'HeavyLoadError' }, file)
    t.true(error.message.startsWith(`Cannot load kernels from '${file}': `), error.message)
    t.regex(error.message, message)
  }
  t.throws(() => kernel('hashSync'), { code: 'ERR_UNKNOWN_KERNEL' })
})

test('two libraries cannot have kernels of the same name', (t) => {
  const file = buildPlugin('twice')
  const copy = join(folder, 'copy.node')
  copyFileSync(file, copy)
  loadKernels(file)
  t.throws(() => loadKernels(copy), { code: 'ERR_PLUGIN_LOAD', message: /There is a kernel 'twice' already/ })
})

test('no kernel has an option that every task has', (t) => {
  const { TASK_OPTIONS } = createRequire(import.meta.url)('../../lib/options.js')
  for (const option of TASK_OPTIONS) {
    const file = buildPlugin(`with${option[0].toUpperCase()}${option.slice(1)}`, { FIRST_OPTION: `"${option}"` })
    t.throws(
      () => loadKernels(file),
      { code: 'ERR_PLUGIN_LOAD', message: /every task has an option of this name/ },
      option,
    )
  }
})
