// A progress bar on standard error, if that is a terminal: standard output stays a report that can be kept.

const WIDTH = 30

/** @param {number} total */
export function progressBar(total) {
  const { stderr } = process
  const started = performance.now()
  let done = 0
  const draw = (label) => {
    if (!stderr.isTTY) return
    const filled = Math.round((WIDTH * done) / total)
    const seconds = ((performance.now() - started) / 1e3).toFixed(0)
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled)
    stderr.write(`\r\x1b[2K${bar} ${done}/${total} ${seconds} s ${label}`)
  }
  return {
    /** Says what is being measured. */
    show: draw,
    step() {
      done++
    },
    clear() {
      if (stderr.isTTY) stderr.write('\r\x1b[2K')
    },
  }
}
