// The package in the environments of test frameworks, which have realms of their own: Jest's for Node.js and jsdom, Vitest's threads, forks and
// vmThreads; and Jest's search for what keeps a process alive. `npm run test:environments`; `-- NAME...` runs those alone. The frameworks are downloaded into the system's folder for temporary files.
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { reasonOf } from './reason-of.mjs'

const execute = promisify(execFile)
const root = dirname(import.meta.dirname)
const wanted = process.argv.slice(2)
const MINUTES = 60_000
// Those that run on every version of Node.js that the package does.
const PACKAGES = ['jest@30', 'jest-environment-jsdom@30', 'vitest@4', 'vite@7']
const cache = join(tmpdir(), 'heavy-load-environments')

const jest = (environment, ...flags) => ({
  file: 'jest/bin/jest.js',
  args: [
    '--ci',
    ...flags,
    '--config',
    JSON.stringify({ testEnvironment: environment, transform: {}, testMatch: ['**/*.test.cjs'] }),
  ],
})
const vitest = (pool, environment = 'node') => ({
  file: 'vitest/vitest.mjs',
  args: ['run', '--globals', '--pool', pool, '--environment', environment, 'suite.test.cjs'],
})
const ENVIRONMENTS = {
  'jest-node': jest('node'),
  'jest-jsdom': jest('jsdom'),
  // It says what it has found, and ends as if it had found nothing.
  'jest-open-handles': { ...jest('node', '--detectOpenHandles'), refused: /open handle/ },
  'vitest-threads': vitest('threads'),
  'vitest-forks': vitest('forks'),
  'vitest-vmThreads': vitest('vmThreads'),
}

const npmShell = process.platform === 'win32'
if (!existsSync(join(cache, 'node_modules/vitest'))) {
  mkdirSync(cache, { recursive: true })
  writeFileSync(join(cache, 'package.json'), '{}')
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  try {
    await execute('npm', ['install', ...flags, ...PACKAGES], { cwd: cache, shell: npmShell, timeout: 10 * MINUTES })
  } catch (error) {
    console.log(`skipped: all, as they cannot be downloaded: ${reasonOf(error)}`)
    process.exit()
  }
}
// Inside, so that the frameworks are found from there.
const folder = mkdtempSync(join(cache, 'run-'))
const failed = []
try {
  cpSync(join(root, '__test__/fixtures/runtimes'), folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{}')
  writeFileSync(join(folder, 'vitest.config.mjs'), "export default { test: { include: ['*.test.cjs'] } }\n")
  await execute(process.execPath, [join(root, 'scripts/stage.mjs'), join(folder, 'node_modules')], { cwd: root })
  for (const [name, { file, args, refused }] of Object.entries(ENVIRONMENTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const started = execute(process.execPath, [join(cache, 'node_modules', file), ...args], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1' },
      timeout: 5 * MINUTES,
      maxBuffer: 1 << 26,
    })
    const { stdout, stderr, code = 0 } = await started.catch((error) => ({ code: 1, ...error }))
    const passed = /Tests:? +.*?(\d+) passed/.exec(stdout + stderr)?.[1] ?? 0
    const isRight = code === 0 && !refused?.test(stdout + stderr)
    console.log(`${isRight ? 'ok' : 'not ok'}: ${name} (${passed} tests)`)
    if (isRight) continue
    failed.push(name)
    console.log(stdout + stderr)
  }
} finally {
  rmSync(folder, { recursive: true, maxRetries: 3 })
}
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`)
  process.exitCode = 1
}
