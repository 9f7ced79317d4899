'use strict'

/** What a stack is blamed on: the function, of a package, of the user's own or native, that somebody called and that took long. */

const { isNativeKnown, isPackageKnown } = require('./advice.js')
const { packageOf } = require('./frames.js')
const { NAMELESS } = require('./routes.js')

/**
 * @typedef {import('./frames.js').Frame} Frame
 *
 * @typedef {object} Place
 * @property {string} function
 * @property {string} file
 * @property {number} line
 *
 * @typedef {object} Note a native call that took long, with its caller
 * @property {string} name `JSON.parse`, `crypto.pbkdf2Sync`; of an addon the function alone
 * @property {string} file the addon's; empty for what Node.js brings
 * @property {number} start
 * @property {number} end
 * @property {Place | null} caller
 *
 * @typedef {object} Blame
 * @property {'own' | 'package' | 'native' | 'node' | 'collector' | 'program'} kind `node`: no code but its own
 * @property {string | undefined} package
 * @property {string} function
 * @property {string} file
 * @property {number} line where the function begins; 0 if there is none
 * @property {string | undefined} native what is called there, if the time is native code's
 * @property {(Place & { begins: number }) | undefined} caller the nearest function of the user's own that called it
 * @property {boolean} isExact whether the caller's line is that of the call
 */

/** What stands between a function and who called it. */
const THROUGH = new Set(['native', 'node', 'doctor'])
/** An addon's function, or one of V8's. */
const UNKNOWN = 'native code'
/** Modules, and what they do when they are loaded. */
const LOADING = 'require'
/** Addons are often in a package for each platform. */
const PLATFORM = /-(?:android|darwin|freebsd|linux|linuxmusl|win32)-.*$/

/**
 * @param {Frame[]} frames the innermost first
 * @param {Note | undefined} note of the native call that runs there
 * @returns {Blame | undefined} nothing if nobody is to blame
 */
function blameFor(frames, note) {
  const [leaf] = frames
  if (leaf === undefined || leaf.kind === 'idle') return undefined
  const at = frames.findIndex(({ kind }) => !THROUGH.has(kind))
  const nearest = frames[at]
  if (nearest === undefined) return blame({ kind: 'node', name: 'Node.js' })
  if (nearest.kind === 'collector' || nearest.kind === 'program') {
    return blame({ kind: nearest.kind, name: nearest.name })
  }
  const native = nearest.isModule ? LOADING : note === undefined ? nativeOf(frames.slice(0, at)) : note.name
  const ends = frames.findIndex(({ kind }) => kind === 'own')
  const owner = ends === -1 ? undefined : placeOf(frames[ends])
  if (nearest.kind === 'package') {
    const packages = frames.slice(at, ends === -1 ? undefined : ends)
    const isKnown = (/** @type {Frame} */ frame) => isPackageKnown(frame.package)
    // Whoever is known is named, also if a package of its own does the work for it.
    const known = packages.find(isKnown)
    const entry =
      known === undefined
        ? entryOf(packages)
        : /** @type {Frame} */ (packages.findLast((frame) => frame.package === known.package))
    return blame({
      kind: 'package',
      package: entry.package,
      name: nameOf(entry),
      file: entry.file,
      line: entry.line,
      // How a package does it does not matter, where there is something else to call.
      native: known === undefined && isNamed(native, note) ? native : undefined,
      ...callerOf(owner, note),
    })
  }
  if (isNamed(native, note) && !nearest.isModule) {
    const addon = note === undefined ? undefined : packageOfNote(note)
    return blame({ kind: 'native', package: addon, name: native, file: note?.file, native, ...callerOf(owner, note) })
  }
  return blame({ kind: 'own', name: nameOf(nearest), file: nearest.file, line: nearest.line, native })
}

/**
 * Whether a native call is worth to be named: there is something to do about it. Of others it is the caller that matters.
 * @param {string | undefined} native
 * @param {Note | undefined} note
 * @returns {native is string}
 */
function isNamed(native, note) {
  return native !== undefined && (note !== undefined || native === LOADING || isNativeKnown(native))
}

/**
 * @param {Partial<Blame> & { kind: Blame['kind'], name: string }} parts
 * @returns {Blame}
 */
function blame({ name, kind, package: of, file = '', line = 0, native, caller, isExact = false }) {
  return { kind, package: of, function: name, file, line, native, caller, isExact }
}

/**
 * What is called there, by the frames between it and its caller. Of Node's own functions the outermost is the public one. The name that V8
 * gives to a function of an addon may be another's, so it is not said.
 * @param {Frame[]} inner
 * @returns {string | undefined}
 */
function nativeOf(inner) {
  const frame = inner.findLast(({ kind }) => kind === 'node')
  if (frame === undefined) return inner.some(({ kind }) => kind === 'native') ? UNKNOWN : undefined
  if (/^node:internal\/modules\//.test(frame.file)) return LOADING
  const module = frame.file.replace(/^node:(?:internal\/)?/, '').split('/')[0]
  // The methods of a class have their names alone.
  if (frame.file === 'node:internal/crypto/hash') return `crypto.Hash.${frame.name}`
  // All of node:zlib's are one function there.
  return frame.name === 'syncBufferWrapper' ? `${module}'s *Sync` : `${module}.${frame.name || '(anonymous)'}`
}

/** @param {Note} note */
function packageOfNote({ file }) {
  return packageOf(file)?.replace(PLATFORM, '')
}

/**
 * The function of the nearest package that others call: the outermost of those that follow each other.
 * @param {Frame[]} frames from that package's on
 */
function entryOf(frames) {
  const [nearest] = frames
  const end = frames.findIndex((frame) => !THROUGH.has(frame.kind) && frame.package !== nearest.package)
  const own = frames.slice(0, end === -1 ? undefined : end)
  return /** @type {Frame} */ (own.findLast((frame) => frame.package === nearest.package))
}

/**
 * @param {Place | undefined} owner
 * @param {Note | undefined} note
 */
function callerOf(owner, note) {
  const caller = note?.caller
  const found = owner && { ...owner, begins: owner.line }
  if (caller == null) return { caller: found, isExact: false }
  // Where it begins is not noted.
  if (found === undefined) return { caller: { ...caller, begins: 0 }, isExact: true }
  // The note's function may be one within it, of another file.
  if (found.file !== caller.file) return { caller: found, isExact: false }
  return { caller: { ...found, line: caller.line }, isExact: true }
}

/** @param {Frame} frame */
function placeOf(frame) {
  return { function: nameOf(frame), file: frame.file, line: frame.line }
}

/** @param {Frame} frame */
function nameOf({ name, isModule }) {
  return isModule ? '(module)' : name || NAMELESS
}

module.exports = { blameFor }
