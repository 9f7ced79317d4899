'use strict'

const SHOWN = '***'

/**
 * Keeps the passwords of URLs out of what this process writes to standard error, whoever writes it: libraries warn, and put
 * what they were given into the messages of their errors.
 * @param {string[]} texts in which URLs may be
 */
function hidePasswords(texts) {
  const passwords = texts.flatMap(passwordsIn).filter((password) => password !== '')
  if (passwords.length === 0) return
  // The longest first: one may be a part of another.
  const forms = [...new Set(passwords.flatMap(formsOf))].sort((a, b) => b.length - a.length)
  const { stderr } = process
  const write = /** @type {Function} */ (stderr.write)
  stderr.write = (/** @type {any} */ chunk, /** @type {any[]} */ ...rest) =>
    write.call(stderr, typeof chunk === 'string' ? without(chunk, forms) : chunk, ...rest)
}

/**
 * As they are written there, also if the text is no proper URL.
 * @param {string} text
 */
function passwordsIn(text) {
  const [, inFront = ''] = /:\/\/[^:@]*:(.*)@/s.exec(text) ?? []
  const inQuery = [...text.matchAll(/[?&][^=&]*password=([^&#]*)/gi)].map(([, password]) => password)
  return [inFront, ...inQuery]
}

/**
 * How a password may stand in a message.
 * @param {string} password
 */
function formsOf(password) {
  const plain = decoded(password)
  const url = new URL('redis://host')
  const inUrl = [password, plain].map((text) => {
    url.password = text
    return url.password
  })
  const quoted = JSON.stringify(plain).slice(1, -1)
  return [password, plain, ...inUrl, encodeURIComponent(plain), quoted]
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * @param {string} text
 * @param {string[]} forms
 */
function without(text, forms) {
  return forms.reduce((rest, form) => rest.replaceAll(form, SHOWN), text)
}

module.exports = { hidePasswords }
