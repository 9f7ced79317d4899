// Finds circles of imports between the Rust modules of a crate, prints each, and fails if there is any.
//
// A module imports another if its code names an item that the other defines: by `use`, or by a path in an expression. What a parent
// re-exports of its children is followed to where it is defined, so that a re-export alone is no import. Modules with the same
// parent must not form a circle either, each with all that is in it. Modules inside a file count as that file. Left out are comments,
// strings, and what is there for tests only.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'

const root = dirname(import.meta.dirname)
const ITEM = /\b(?:fn|struct|enum|trait|type|const|static|union|macro_rules!)\s+(?:mut\s+)?([A-Za-z_]\w*)/g
const USE = /\b(pub(?:\s*\([^)]*\))?\s+)?use\s+([^;]+);/g
const PATH = /(?<![\w:])(?:\$?[A-Za-z_]\w*)(?:\s*::\s*[A-Za-z_]\w*)+/g

/** The text from `start`, which stands at or before a `{` or a `;`, to the end of that item. */
function itemEnd(text, start) {
  let depth = 0
  for (let i = start; i < text.length; i++) {
    if ('{(['.includes(text[i])) depth++
    else if ('})]'.includes(text[i])) {
      depth--
      if (depth < 0) return i
      if (depth === 0 && text[i] === '}') return i + 1
    } else if (depth === 0 && (text[i] === ';' || text[i] === ',')) return i + 1
  }
  return text.length
}

/** Without comments, strings and characters, which become nothing. */
function code(text) {
  const noise =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\b[bc]?r(#*)"[\s\S]*?"\1|\b[bc]?"(?:\\[\s\S]|[^"\\])*"|"(?:\\[\s\S]|[^"\\])*"|b?'(?:\\[^\n]+?|[^'\\\n])'/g
  return text.replace(noise, ' ')
}

/** Without what is there for tests only; gives the names of modules that are declared there, with their paths, too. */
function withoutTests(text, paths) {
  const tests = []
  const attribute = /#\[cfg\((?:test|doctest|all\(test\b[^\]]*)\)\]/g
  let rest = ''
  let from = 0
  for (let found = attribute.exec(text); found; found = attribute.exec(text)) {
    if (found.index < from) continue
    const end = itemEnd(text, found.index + found[0].length + attributesLength(text, found.index + found[0].length))
    const declared = /\bmod\s+(\w+)\s*;/.exec(text.slice(found.index, end))
    if (declared) tests.push(paths.get(declared[1]) ?? `${declared[1]}.rs`)
    rest += text.slice(from, found.index)
    from = end
  }
  return { rest: rest + text.slice(from), tests }
}

function attributesLength(text, start) {
  return /^(?:\s*#\[[^\]]*\])*/.exec(text.slice(start))[0].length
}

/** The paths in a `use`: each its segments, and the name that it brings. */
function useTree(text, before = []) {
  const trimmed = text.trim()
  const brace = trimmed.indexOf('{')
  if (brace < 0) {
    const [path, as] = trimmed.split(/\s+as\s+/)
    const segments = [...before, ...path.split('::').map((part) => part.trim())].filter((part) => part !== '')
    if (segments.at(-1) === 'self' && segments.length > 1) segments.pop()
    return [{ segments, name: as?.trim() ?? segments.at(-1) }]
  }
  const head = trimmed.slice(0, brace).split('::')
  const prefix = [...before, ...head.map((part) => part.trim())].filter((part) => part !== '')
  const parts = []
  let depth = 0
  let part = ''
  for (const letter of trimmed.slice(brace + 1, trimmed.lastIndexOf('}'))) {
    if (letter === ',' && depth === 0) {
      parts.push(part)
      part = ''
      continue
    }
    if (letter === '{') depth++
    if (letter === '}') depth--
    part += letter
  }
  return [...parts, part].filter((each) => each.trim() !== '').flatMap((each) => useTree(each, prefix))
}

/** How many modules inside the file lie around a place. */
function inlineModules(text) {
  const ranges = [...text.matchAll(/\bmod\s+\w+\s*\{/g)].map((found) => ({
    from: found.index,
    to: itemEnd(text, found.index),
  }))
  return (at) => ranges.filter(({ from, to }) => from < at && at < to).length
}

/** All modules of a crate: by path (`a::b`, the crate's root being ``) what they define, bring in and name. */
function modulesOf(source) {
  const files = readdirSync(source, { recursive: true })
    .map((file) => file.split(sep).join('/'))
    .filter((file) => file.endsWith('.rs'))
  const read = new Map()
  const tests = new Set()
  for (const file of files) {
    const raw = readFileSync(join(source, file), 'utf8')
    const paths = new Map(
      [...raw.matchAll(/#\[path = "([^"]+)"\]\s*mod\s+(\w+);/g)].map((found) => [found[2], found[1]]),
    )
    const { rest, tests: left } = withoutTests(code(raw), paths)
    read.set(file, rest)
    const folder = dirname(file)
    const own = /(?:^|\/)(?:mod|lib)\.rs$/.test(file) ? folder : file.replace(/\.rs$/, '')
    for (const test of left) {
      tests.add(join(folder, test).split(sep).join('/'))
      tests.add(join(own, test).split(sep).join('/'))
    }
  }
  const modules = new Map()
  for (const [file, text] of read) {
    if (tests.has(file)) continue
    const name = file
      .replace(/\.rs$/, '')
      .replace(/(?:^|\/)(?:mod|lib)$/, '')
      .replaceAll('/', '::')
    const depthAt = inlineModules(text)
    const uses = [...text.matchAll(USE)].flatMap(({ index, 1: visible, 2: tree }) =>
      useTree(tree).map((each) => ({ ...each, depth: depthAt(index), isShown: visible !== undefined })),
    )
    const body = text.replace(USE, ' ').replace(/\bpub\s*\([^)]*\)/g, (shown) => ' '.repeat(shown.length))
    const depthInBody = inlineModules(body)
    const named = [...body.matchAll(PATH)].map(({ index, 0: path }) => ({
      segments: path.replace('$', '').split(/\s*::\s*/),
      depth: depthInBody(index),
    }))
    modules.set(name, {
      uses,
      named,
      words: new Set(body.match(/[A-Za-z_]\w*/g)),
      items: new Set([...text.matchAll(ITEM)].map((found) => found[1])),
    })
  }
  return modules
}

const parentOf = (name) => name.split('::').slice(0, -1).join('::')
const childOf = (name, child) => (name === '' ? child : `${name}::${child}`)

/** Whether a module is in another, at whatever depth. */
const isBelow = (name, other) => other !== undefined && other !== name && (name === '' || other.startsWith(`${name}::`))

/** The module that defines what a path names, as seen from a module; none if that is in another crate. */
function definedIn(modules, from, { segments, depth = 0 }, seen = new Set()) {
  let at = from
  const rest = [...segments]
  let levels = depth
  let isAnchored = false
  while (['crate', 'self', 'super'].includes(rest[0])) {
    const first = rest.shift()
    isAnchored = true
    if (first === 'crate') at = ''
    // Out of a module inside the file, first.
    else if (first === 'super' && levels > 0) levels--
    else if (first === 'super') at = parentOf(at)
  }
  if (!isAnchored && !modules.has(childOf(at, rest[0]))) {
    // A name that a `use` has brought: of another module perhaps, of which `use` tells.
    return undefined
  }
  while (rest.length > 0) {
    if (modules.has(childOf(at, rest[0]))) {
      at = childOf(at, rest.shift())
      continue
    }
    const module = modules.get(at)
    if (module.items.has(rest[0])) return at
    const key = `${at} ${rest[0]}`
    if (seen.has(key)) return at
    seen.add(key)
    const brought = module.uses.find(({ name }) => name === rest[0])
    if (brought) {
      // What is re-exported of a module elsewhere counts as this one's.
      if (brought.isShown && !isBelow(at, definedIn(modules, at, brought, new Set(seen)))) return at
      const all = { segments: [...brought.segments, ...rest.slice(1)], depth: brought.depth }
      return definedIn(modules, at, all, seen)
    }
    return at
  }
  return at
}

/** Which modules each imports. */
function importsOf(modules) {
  return new Map(
    [...modules].map(([name, { uses, named, words }]) => {
      const others = [...uses, ...named].flatMap((path) => {
        const other = definedIn(modules, name, path)
        // What a parent re-exports, and does not use, is no import.
        const isReexport = path.isShown && isBelow(name, other) && !words.has(path.name)
        return other === undefined || other === name || isReexport ? [] : [other]
      })
      return [name, new Set(others)]
    }),
  )
}

/** What the modules right below one import of each other, each with all that is in it. */
function importsBelow(parent, imports) {
  const childWith = (name) =>
    isBelow(parent, name)
      ? childOf(parent, name.slice(parent === '' ? 0 : parent.length + 2).split('::')[0])
      : undefined
  const below = new Map()
  for (const [name, others] of imports) {
    const child = childWith(name)
    if (child === undefined) continue
    const siblings = [...others].map(childWith).filter((other) => other !== undefined && other !== child)
    below.set(child, new Set([...(below.get(child) ?? []), ...siblings]))
  }
  return below
}

/** The modules that reach each other, and so are in a circle (Tarjan's strongly connected components). */
function circlesOf(imports) {
  const index = new Map()
  const low = new Map()
  const stack = []
  const circles = []
  const visit = (name) => {
    index.set(name, index.size)
    low.set(name, index.get(name))
    stack.push(name)
    for (const other of imports.get(name)) {
      if (!index.has(other)) visit(other)
      if (stack.includes(other)) low.set(name, Math.min(low.get(name), low.get(other)))
    }
    if (low.get(name) !== index.get(name)) return
    const circle = stack.splice(stack.indexOf(name))
    if (circle.length > 1) circles.push(circle)
  }
  for (const name of imports.keys()) if (!index.has(name)) visit(name)
  return circles
}

const show = (name) => name || 'lib'

let found = 0
const crates = readdirSync(join(root, 'crates')).map((crate) => join(root, 'crates', crate))
for (const source of [root, ...crates].map((crate) => join(crate, 'src'))) {
  const imports = importsOf(modulesOf(source))
  // A circle of siblings may be one of modules, too: it is shown once.
  const shown = new Set()
  for (const graph of [imports, ...[...imports.keys()].map((name) => importsBelow(name, imports))]) {
    for (const circle of circlesOf(graph)) {
      const key = [...circle].sort().join()
      if (shown.has(key)) continue
      shown.add(key)
      found++
      console.error(`A circle of imports in ${relative(root, source)}:`)
      for (const name of circle) {
        const others = [...graph.get(name)].filter((other) => circle.includes(other))
        console.error(`  ${show(name)} -> ${others.map(show).join(', ')}`)
      }
    }
  }
}
process.exitCode = found > 0 ? 1 : 0
