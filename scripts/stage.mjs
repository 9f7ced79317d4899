// Makes the folders that are published, from a built checkout: `node scripts/stage.mjs FOLDER` makes FOLDER/heavy-load, which has no binary and names the
// packages that have them, and FOLDER/heavy-load-PLATFORM for each platform whose binary is here. Publish those first.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { PACKS } from './packs.mjs'
import { PLATFORMS, packageOf } from './platforms.mjs'

const root = dirname(import.meta.dirname)
const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('Usage: node scripts/stage.mjs FOLDER')
const description = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const { version, license, engines, keywords } = description

stageMain(resolve(folder, 'heavy-load'))
for (const platform of Object.keys(PLATFORMS)) {
  const addon = `heavy-load.${platform}.node`
  if (readdirSync(root).includes(addon)) stagePlatform(platform, addon, resolve(folder, packageOf(platform)))
}

/** @param {string} to */
function stageMain(to) {
  const listing = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
  })
  for (const { path } of JSON.parse(listing)[0].files) {
    if (path === 'package.json' || path.endsWith('.node')) continue
    mkdirSync(dirname(join(to, path)), { recursive: true })
    copyFileSync(join(root, path), join(to, path))
  }
  const optionalDependencies = Object.fromEntries(Object.keys(PLATFORMS).map((name) => [packageOf(name), version]))
  // Whoever installs it has no use for what builds and tests it.
  const { scripts, devDependencies, workspaces, overrides, ava, napi, ...published } = description
  writeJson(join(to, 'package.json'), { ...published, optionalDependencies })
}

/**
 * @param {string} platform
 * @param {string} addon
 * @param {string} to
 */
function stagePlatform(platform, addon, to) {
  const { triple, os, cpu, libc } = PLATFORMS[platform]
  mkdirSync(to, { recursive: true })
  copyFileSync(join(root, addon), join(to, addon))
  for (const pack of PACKS) copyFileSync(join(root, 'packs', pack, `${pack}.node`), join(to, `${pack}.node`))
  copyFileSync(join(root, 'LICENSE'), join(to, 'LICENSE'))
  // Made by `npm run licenses`, which needs a tool that not every checkout has.
  const others = join(root, 'target', 'THIRD-PARTY.md')
  if (existsSync(others)) copyFileSync(others, join(to, 'THIRD-PARTY.md'))
  const name = packageOf(platform)
  writeFileSync(
    join(to, 'README.md'),
    `# ${name}\n\nThe binaries of [heavy-load](https://www.npmjs.com/package/heavy-load) for ${triple}.\n`,
  )
  const limits = { os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }) }
  const about = { name, version, description: `The binaries of heavy-load for ${triple}`, license, keywords, engines }
  writeJson(join(to, 'package.json'), {
    ...about,
    ...limits,
    type: 'commonjs',
    main: addon,
    files: ['*.node', 'THIRD-PARTY.md'],
  })
}

/**
 * @param {string} file
 * @param {unknown} value
 */
function writeJson(file, value) {
  writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`)
}
