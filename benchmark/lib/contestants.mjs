// Contestants by name. Every file of contestants/ has the same interface:
//
// open({ threads, flood, atRandom, own }) gives a pool:
//   empty(options)     an empty task
//   count(n, options)  counts from 0 to n, really executing each step, and resolves with the count
//   spin(ms, options)  uses `ms` of CPU time
//   handOvers          where it can: `copy`, `transfer`, `shared`, `frozen`, each (bytes) => Promise<their CRC-32>
//   close()            ends the pool
// options: `signal` where the contestant can abort; `timeout` where it has deadlines; `key` and `weight` where it has fair sharing.
// flood: thousands of short tasks are in flight; atRandom: tasks come at random times, and threads are idle now and then;
// own: not a pool shared with the process.

/**
 * @param {string} name
 * @param {object} options
 */
export async function open(name, options) {
  const contestant = await import(`../contestants/${name}.mjs`)
  return contestant.open(options)
}
