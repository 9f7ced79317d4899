// One request: its items one after the other, and a message when one is done.
import { count } from '../lib/count.cjs'

export default function work({ iterations, items, port }) {
  let counted = 0
  for (let item = 1; item <= items; item++) {
    // Items differ by one step where it cannot be shared out evenly.
    const end = Math.floor((iterations * item) / items)
    counted += count(end - counted)
    port.postMessage({ item })
  }
  port.close()
  return counted
}
