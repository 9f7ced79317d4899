// The items of one request, one after the other, by the same loop in all strategies of a job: a request keeps one thread busy at a
// time, and others get theirs in between. That is also where each can stop, whatever the package can do within an item.
import { setImmediate as turn } from 'node:timers/promises'

/**
 * A strategy's `run` that does `item` so often.
 * @param {(task: { signal?: AbortSignal, onProgress: (fraction: number) => void }) => unknown} item
 */
export function inTurn(item) {
  return async (amount, { onProgress = () => {}, ...task } = {}) => {
    for (let done = 0; done < amount; done++) {
      await item({ ...task, onProgress: (fraction) => onProgress((done + fraction) / amount) })
      onProgress((done + 1) / amount)
      // Where an item was on the event loop, only now can that hear that the client has gone.
      await turn()
      task.signal?.throwIfAborted()
    }
    return amount
  }
}
