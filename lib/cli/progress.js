'use strict'

const WIDTH = 30

/**
 * A progress bar on standard error, if that is a terminal.
 * @returns {{ onProgress: ((fraction: number) => void) | undefined, clear: () => void }} `onProgress` as tasks take it
 */
function progressBar() {
  const { stderr } = process
  if (!stderr.isTTY) return { onProgress: undefined, clear() {} }
  const started = performance.now()
  return {
    onProgress(fraction) {
      const filled = Math.floor(WIDTH * fraction)
      const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled)
      const seconds = ((performance.now() - started) / 1e3).toFixed(1)
      stderr.write(`\r\x1b[2K${bar} ${Math.floor(100 * fraction)} % ${seconds} s`)
    },
    clear() {
      stderr.write('\r\x1b[2K')
    },
  }
}

module.exports = { progressBar }
