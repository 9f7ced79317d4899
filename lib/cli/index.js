#!/usr/bin/env node
'use strict'

/** The command line: finds the command, and says what went wrong in one line. */

const { UsageError, lineOf } = require('./errors.js')
const { hidePasswords } = require('./passwords.js')

/**
 * @typedef {object} Command
 * @property {() => string} usage
 * @property {(args: string[]) => Promise<void>} main
 */

const COMMANDS = ['worker', 'info', 'run', 'new', 'types', 'doctor']
const USAGE = `Usage: heavy-load COMMAND

Commands:
  worker              runs the tasks that other machines put into a queue
  info                says what is here: version, threads, kernels, packages
  run KERNEL INPUT    runs a kernel once, here or on workers
  new FOLDER          makes a crate with a kernel of your own
  types FILE          writes the TypeScript types of a plug-in's kernels
  doctor SERVER       runs your server and says what blocks its event loop

Options:
  -h, --help       this, or after a command what that takes
  -v, --version    the version
`

const [name, ...args] = process.argv.slice(2)
const isCommand = COMMANDS.includes(name)

// Everybody on the machine can see the arguments of its processes, and a URL may have a password in it.
if (isCommand) process.title = `heavy-load ${name}`
hidePasswords([...process.argv.slice(2), process.env.REDIS_URL ?? ''])
process.on('uncaughtException', fail)
process.stdout.on('error', (error) => {
  // Who reads has seen enough, as `head` does.
  if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EPIPE') process.exit()
  fail(error)
})
main().catch(fail)

async function main() {
  if (isCommand) {
    /** @type {Command} */
    const command = require(`./${name}.js`)
    // Before the rest is looked at: who asks for help may not know how to say the rest.
    const end = args.indexOf('--')
    const options = end === -1 ? args : args.slice(0, end)
    if (options.includes('--help') || options.includes('-h')) process.stdout.write(command.usage())
    else await command.main(args)
  } else if (name === '--help' || name === '-h') {
    process.stdout.write(USAGE)
  } else if (name === '--version' || name === '-v') {
    process.stdout.write(`${require('../../package.json').version}\n`)
  } else {
    const problem = name === undefined ? 'A command is missing' : `There is no command '${name}'`
    throw new UsageError(`${problem}: worker, info, run, new, types or doctor`)
  }
}

/** @param {any} error */
function fail(error) {
  const isUsage = error instanceof UsageError
  const help = `Try 'heavy-load ${isCommand ? `${name} ` : ''}--help'.\n`
  process.stderr.write(`heavy-load: ${lineOf(error)}\n${isUsage ? help : ''}`, () => process.exit(isUsage ? 2 : 1))
}
