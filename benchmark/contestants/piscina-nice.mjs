// piscina with workers that leave the cores to the event loop first, as heavy-load's threads do.
import { open as openPiscina } from './piscina.mjs'

/** heavy-load's own default. */
const NICENESS = 10

export function open(options) {
  return openPiscina({ ...options, niceIncrement: NICENESS })
}
