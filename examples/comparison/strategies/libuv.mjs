// heavy-load, second form: an N-API AsyncTask.
import { heavyLoadAsync } from 'heavy-load'

export const strategy = {
  name: 'libuv',
  job: 'count',
  title: 'heavyLoadAsync',
  summary: "heavy-load on libuv's thread pool: one thread a request, of the four that fs, dns and crypto need, too.",
  can: { parallel: false, progress: true, cancel: true, zeroCopy: false, otherMachines: false },
  async open() {
    return {
      run: heavyLoadAsync,
      async close() {},
    }
  },
}
