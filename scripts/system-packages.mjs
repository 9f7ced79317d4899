// Installs Debian packages whose commands are missing:
// node scripts/system-packages.mjs redis-server chromium chromium-driver
// Where it cannot (no root, or no Debian), it says what is missing, and is content: tests that need it say so
// themselves.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Packages whose command has another name. */
const COMMANDS = { 'chromium-driver': 'chromedriver' }

const missing = process.argv.slice(2).filter((name) => !isCommand(COMMANDS[name] ?? name))
if (missing.length > 0) {
  if (process.getuid?.() === 0 && isCommand('apt-get')) install(missing)
  else say(`missing: ${missing.join(' ')} (Debian: apt-get install ${missing.join(' ')})`)
}

function install(names) {
  say(`installing ${names.join(' ')} (apt-get)`)
  aptGet('update')
  aptGet('install', '--yes', '--no-install-recommends', ...names)
}

function aptGet(...args) {
  // Another apt-get may be at work: then this one waits its turn.
  const { status } = spawnSync('apt-get', ['--quiet=2', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status === 0) return
  say(`apt-get ${args[0]} failed`)
  process.exit(1)
}

function isCommand(name) {
  return process.env.PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function say(line) {
  console.error(`system-packages: ${line}`)
}
