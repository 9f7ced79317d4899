// Counts once, as it is told over IPC, and ends.
import { count } from '../lib/count.cjs'

process.once('message', ({ iterations }) => {
  const answer = count(iterations, (counted) => {
    process.send({ type: 'progress', fraction: counted / iterations })
  })
  process.send({ type: 'end', answer }, () => process.disconnect())
})
