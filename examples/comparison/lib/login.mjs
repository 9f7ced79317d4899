// What is checked by all strategies of the job `login`: the same password, against the same hash.
import { inTurn } from './in-turn.mjs'

/** One of jBCrypt's own tests; cost 10, the default of bcrypt and bcryptjs. */
export const PASSWORD = 'abcdefghijklmnopqrstuvwxyz'
export const HASH = '$2a$10$fVH8e28OQRj9tqiDXs1e1uxpsjN0c7II7YPKXua2NAKYvM6iQk7dq'

/** What open() gives, of how a package checks a password against HASH. */
export function logins(check) {
  const run = inTurn(async (task) => {
    if (!(await check(PASSWORD, task))) throw new Error('The password was taken for a wrong one')
  })
  return { check, run, async close() {} }
}
