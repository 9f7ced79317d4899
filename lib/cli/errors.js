'use strict'

/** The command was called wrongly. */
class UsageError extends Error {}

/** With an option that there is not; `meant` is the one that was probably meant, if any is like it. */
class UnknownOption extends UsageError {
  /**
   * @param {string} message
   * @param {string | undefined} meant
   */
  constructor(message, meant) {
    super(message)
    this.meant = meant
  }
}

/**
 * `CODE: message`, and in parentheses what caused it.
 * @param {any} error
 * @returns {string}
 */
function lineOf(error) {
  const { code, cause } = error ?? {}
  // That of several addresses of a host has none of its own.
  const message = String(error?.message || error?.errors?.[0]?.message || error)
  // Messages of failed system calls may begin with the code.
  const line = typeof code !== 'string' || message.startsWith(code) ? message : `${code}: ${message}`
  return cause instanceof Error ? `${line} (${lineOf(cause)})` : line
}

module.exports = { UnknownOption, UsageError, lineOf }
