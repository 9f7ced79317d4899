'use strict'

/** One listener a socket, however many requests are under way on it: pipelined ones may be many. It is removed with the last of them. */

/** @typedef {import('node:net').Socket} Socket */

/** @type {WeakMap<Socket, Set<() => void>>} */
const watched = new WeakMap()

/**
 * Has `listener` called when the socket closes.
 * @param {Socket} socket
 * @param {() => void} listener
 * @returns {() => void} forgets it
 */
function onClose(socket, listener) {
  let listeners = watched.get(socket)
  if (listeners === undefined) {
    listeners = new Set()
    watched.set(socket, listeners)
    socket.once('close', notify)
  }
  listeners.add(listener)
  return () => forget(socket, listener)
}

/**
 * @param {Socket} socket
 * @param {() => void} listener
 */
function forget(socket, listener) {
  const listeners = watched.get(socket)
  if (!listeners?.delete(listener) || listeners.size > 0) return
  watched.delete(socket)
  socket.off('close', notify)
}

/**
 * The listener, one for all sockets.
 * @this {Socket}
 */
function notify() {
  const listeners = watched.get(this) ?? []
  watched.delete(this)
  for (const listener of listeners) listener()
}

module.exports = { onClose }
