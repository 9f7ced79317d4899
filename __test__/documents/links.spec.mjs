// Links between documents lead somewhere: in the repository, and from what is published to what is published with it.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { root } from '../helpers/root.mjs'

const execute = promisify(execFile)

/** Links of a document to files and headings of ours: `[document, link, path from the root, heading]`. What is code is no link. */
function linksOf(document) {
  const text = readFileSync(join(root, document), 'utf8')
    .replace(/^```[\s\S]*?^```/gm, '')
    .replace(/`[^`\n]*`/g, 'code')
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [path, heading] = link.split('#')
      return [document, link, path === '' ? document : posix.join(posix.dirname(document), path), heading]
    })
}

/** What GitHub calls the headings of a document. */
function headingsOf(document) {
  const text = readFileSync(join(root, document), 'utf8').replace(/^```[\s\S]*?^```/gm, '')
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test('every link leads to a file, and to a heading of it', async (t) => {
  const { stdout } = await execute('git', ['ls-files', '-co', '--exclude-standard', '*.md'], { cwd: root })
  const links = stdout.trim().split('\n').flatMap(linksOf)
  t.true(links.length > 100)
  for (const [document, link, path, heading] of links) {
    const isThere = existsSync(join(root, path))
    t.true(isThere, `${document}: ${link}`)
    if (isThere && heading !== undefined && path.endsWith('.md')) {
      t.true(headingsOf(path).includes(heading), `${document}: ${link}`)
    }
  }
})

test('what is published links only to what is published', async (t) => {
  const { stdout } = await execute('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    shell: process.platform === 'win32',
  })
  const published = JSON.parse(stdout)[0].files.map(({ path }) => path)
  for (const [document, link, path] of published.filter((path) => path.endsWith('.md')).flatMap(linksOf)) {
    // A folder is looked into.
    const isThere = statSync(join(root, path)).isDirectory()
      ? published.some((file) => file.startsWith(`${path.replace(/\/$/, '')}/`))
      : published.includes(path)
    t.true(isThere, `${document}: ${link}`)
  }
})

test('the tests that SECURITY.md names are there', (t) => {
  const named = [...readFileSync(join(root, 'SECURITY.md'), 'utf8').matchAll(/`([\w./-]+\.(?:mjs|rs|js))`/g)].map(
    ([, path]) => path,
  )
  t.true(named.length > 10)
  for (const path of named) t.true(existsSync(join(root, path)), path)
})
