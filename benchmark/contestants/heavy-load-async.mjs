// heavy-load's libuv form: an N-API AsyncTask on libuv's own thread pool.
import { heavyLoadAsync, spinAsync } from '../../index.js'

/** libuv takes its number of threads from UV_THREADPOOL_SIZE, which the runner sets. */
export function open() {
  return {
    empty: () => heavyLoadAsync(0),
    count: (n, { signal } = {}) => heavyLoadAsync(n, { signal }),
    spin: (ms, { signal } = {}) => spinAsync(ms, { signal }),
    close: async () => undefined,
  }
}
