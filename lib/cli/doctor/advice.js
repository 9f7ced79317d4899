'use strict'

/** What to call instead of what blocks. */

/** @typedef {{ call: string, from: string, guide: string, text: string } | { call: null, text: string }} Advice */

const OWN_FUNCTIONS = 'docs/guides/own-functions.md'
const PATTERN = /\.(?:test|exec|match|matchAll|replace|replaceAll|search|split)\(|RegExp/
const OTHER_LIBRARIES = 'docs/guides/other-libraries.md'
/** They read the request itself, which cannot leave its thread. */
const PARSERS = new Set(['body-parser', 'raw-body', 'co-body', 'koa-bodyparser', 'multer', 'busboy', 'formidable'])
/** By pack: the page about moving to its calls. */
const GUIDES = /** @type {Record<string, string>} */ ({
  compression: 'packs/compression/README.md',
  data: 'docs/guides/text-and-data.md',
  image: 'docs/guides/images.md',
  passwords: 'docs/guides/passwords.md',
  text: 'docs/guides/text-and-data.md',
})
/** Of what is in no pack. */
const KERNELS = 'docs/reference/kernels.md'

/**
 * By package: the pack, and the call by the function that was called. The first that matches is taken.
 * @type {Map<string, { pack: string, calls: [RegExp, string][], text?: string }>}
 */
const PACKAGES = new Map()

/**
 * @param {string[]} names
 * @param {string} pack
 * @param {[RegExp, string][]} calls
 * @param {string} [text]
 */
function rule(names, pack, calls, text) {
  for (const name of names) PACKAGES.set(name, { pack, calls, text })
}

/** @type {[RegExp, string][]} */
const PASSWORDS = [
  [/compare|verify/i, 'verifyPassword'],
  [/hash|salt/i, 'hashPassword'],
  // The rest of an async form, which goes on by itself: whose it is stands on no stack.
  [/./, 'verifyPassword, hashPassword'],
]
/** @type {[RegExp, string][]} */
const COMPRESSION = [
  // There is no format without a header.
  [/raw/i, ''],
  [/gunzip|inflate|decompress|unz|ungzip/i, 'decompress'],
  [/zip|zlib|deflate|compress/i, 'compress'],
  // Streams are pushed to, either way.
  [/./, 'compress, decompress'],
]
rule(['bcryptjs', 'bcrypt', '@node-rs/bcrypt', 'argon2', '@node-rs/argon2'], 'passwords', PASSWORDS)
rule(['jimp', 'jpeg-js', 'pngjs', 'upng-js'], 'image', [[/./, 'resizeImage']])
rule(['pako'], 'compression', COMPRESSION)
// Its deflate has no header; that with one it calls zlib.
rule(['fflate'], 'compression', [[/flate/i, ''], ...COMPRESSION])
rule(
  ['tiktoken', '@dqbd/tiktoken', 'js-tiktoken', 'gpt-tokenizer', 'gpt-3-encoder'],
  'text',
  [[/./, 'countTokens']],
  'where their number is what you need (truncateToTokens cuts a text)',
)
rule(['marked', 'markdown-it', 'showdown'], 'text', [[/./, 'renderMarkdown']])
rule(['sanitize-html'], 'text', [[/./, 'sanitizeHtml']])
rule(['turndown'], 'text', [[/./, 'htmlToMarkdown']])
rule(['xlsx', 'csv-parse', 'papaparse'], 'data', [[/./, 'convertTable']])

/**
 * Native calls: the pack, the call, and what goes with it.
 * @type {{ name: RegExp, pack?: string, call: string, text?: string }[]}
 */
const NATIVE = [
  { name: /^JSON\.parse$/, pack: 'data', call: 'queryJson', text: 'where a part of it is what you need' },
  {
    name: /^JSON\.stringify$/,
    call: '',
    text: 'A large value: less of it at once, or in pieces, as a stream. heavy-load has no call for that',
  },
  { name: /^zlib.*raw/i, call: '' },
  { name: /^zlib\.(?:gunzip|unzip|inflate|\w*decompress)/i, pack: 'compression', call: 'decompress' },
  { name: /^zlib\.(?:gzip|deflate|\w*compress)/i, pack: 'compression', call: 'compress' },
  { name: /^zlib's/, pack: 'compression', call: 'compress, decompress' },
  {
    name: /^crypto\.scryptSync$/,
    pack: 'passwords',
    // Who verifies calls it as well, and verifyPassword reads scrypt as a PHC string.
    call: 'verifyPassword, hashPassword',
    text: 'for passwords; crypto.scrypt for all else',
  },
  {
    name: /^crypto\.pbkdf2Sync$/,
    pack: 'passwords',
    call: 'hashPassword',
    text: 'for new passwords; crypto.pbkdf2, without Sync, for those that are kept by PBKDF2',
  },
  { name: /^crypto\.Hash\.update$/, call: 'hash', text: 'for SHA-256, SHA-512 or BLAKE3 without a key' },
]

/** @param {string | undefined} name of a package */
function isPackageKnown(name) {
  return ruleOf(name) !== undefined
}

/** @param {string} name of a native call */
function isNativeKnown(name) {
  return /Sync$/.test(name) || ofNative(name) !== undefined
}

/** @param {string | undefined} name of a package */
function ruleOf(name) {
  if (name === undefined) return undefined
  return PACKAGES.get(name.startsWith('@jimp/') ? 'jimp' : name)
}

/**
 * @param {Pick<import('./blame.js').Blame, 'kind' | 'package' | 'function' | 'native'> & { source?: string | null }} blame with the text of the line
 * @returns {Advice}
 */
function adviceFor(blame) {
  const { kind, native, source } = blame
  const found = ofPackage(blame) ?? ofNative(native)
  if (found !== undefined && found.call !== '') return callOf(found)
  if (found?.text !== undefined) return none(found.text)
  if (kind === 'collector') {
    return none(
      'It collects what was allocated: fewer and smaller objects at once help. heavy-load has no call for that',
    )
  }
  if (kind === 'node') return none('Node.js itself, between your functions: many requests at once, as a rule')
  if (kind === 'program') return none('Native code that no JavaScript has called: the profile does not say whose')
  if (native === 'require')
    return none('Modules, and what they do when they are loaded: load them before the server listens')
  if (blame.package === 'heavy-load') return none('The form without Sync does the same on the threads of a pool')
  if (native !== undefined && /Sync$/.test(native) && kind !== 'package') {
    return none(`The form without Sync lets the server go on meanwhile. heavy-load has no call for it`)
  }
  if (kind === 'own') {
    // The profile has a pattern's time as its caller's.
    const pattern = PATTERN.test(source ?? '')
      ? '. If it is the pattern in that line: matchText of heavy-load/text'
      : ''
    return none(`Your own code: loadFunctions runs it on a worker thread (${OWN_FUNCTIONS})${pattern}`)
  }
  if (kind === 'package' && PARSERS.has(blame.package ?? '')) {
    return none(
      'It reads requests, and large bodies hold it up: a lower limit for them, or express.raw and the bytes for a task',
    )
  }
  const what = kind === 'package' ? blame.package : native
  return none(
    `heavy-load has no call for ${what}: loadFunctions runs it on a worker thread (${OWN_FUNCTIONS})${
      kind === 'package' ? `; what has threads of its own goes behind a gate (${OTHER_LIBRARIES})` : ''
    }`,
  )
}

/** @param {Pick<import('./blame.js').Blame, 'package' | 'function'>} blame */
function ofPackage({ package: name, function: called }) {
  const rule = ruleOf(name)
  if (rule === undefined) return undefined
  const [, call] = rule.calls.find(([pattern]) => pattern.test(called)) ?? ['', '']
  return { pack: rule.pack, call, text: rule.text }
}

/** @param {string | undefined} native */
function ofNative(native) {
  return native === undefined ? undefined : NATIVE.find(({ name }) => name.test(native))
}

/**
 * @param {{ pack?: string, call: string, text?: string }} found
 * @returns {Advice}
 */
function callOf({ pack, call, text }) {
  const from = pack ? `heavy-load/${pack}` : 'heavy-load'
  const guide = pack ? GUIDES[pack] : KERNELS
  return { call, from, guide, text: `${call} of ${from}${text === undefined ? '' : `, ${text}`} (${guide})` }
}

/**
 * @param {string} text
 * @returns {Advice}
 */
function none(text) {
  return { call: null, text }
}

module.exports = { adviceFor, isNativeKnown, isPackageKnown }
