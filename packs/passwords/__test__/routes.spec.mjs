// verifyPassword in a route: what its client is told of.
import test from 'ava'
import { offload } from 'heavy-load/express'
import { hashPasswordSync, verifyPassword, verifyPasswordAsync, verifyPasswordSync } from 'heavy-load/passwords'
import { KINDS, serve } from '../../../__test__/helpers/http-servers.mjs'

const SECRET = 'correct horse battery staple'
const kept = hashPasswordSync(SECRET, { memoryCost: 64, timeCost: 1 })
/** What a database may have in place of a hash that can be verified. */
const WRONG = [
  [{ hash: '' }, 'ERR_INVALID_DATA'],
  [{ hash: '$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ' }, 'ERR_INVALID_DATA'],
  [{ hash: '$1$salt$qJH7.N4xYta3aEG/dfqo/0' }, 'ERR_INVALID_DATA'],
  [{ hash: '$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW' }, 'ERR_OUTPUT_TOO_LARGE'],
  [{ hash: null }, 'ERR_INVALID_ARG_TYPE'],
  [{}, 'ERR_INVALID_ARG_TYPE'],
]

for (const kind of KINDS) {
  for (const verify of [verifyPassword, verifyPasswordAsync, verifyPasswordSync]) {
    test(`${kind}, ${verify.name}: what is wrong with a kept hash is no client's to learn`, async (t) => {
      for (const [options, code] of WRONG) {
        const { url, errors } = await serve(
          t,
          kind,
          offload((_request, task) => verify(SECRET, { ...task, ...options })),
          { env: 'production' },
        )
        const response = await fetch(url)
        t.is(response.status, 500, JSON.stringify(options))
        const answer = await response.text()
        const codes = errors.map((error) => error.code)
        // Without Express there is nobody to pass it on to, and it is told by NODE_ENV, which is the tests'.
        if (kind === 'node:http') continue
        t.notRegex(answer, /hash/i)
        t.deepEqual(codes, [code])
      }
    })
  }

  test(`${kind}: what is wrong with a password is its client's mistake`, async (t) => {
    const { url, errors } = await serve(
      t,
      kind,
      offload((_request, task) => verifyPassword(undefined, { ...task, hash: kept })),
    )
    const response = await fetch(url)
    t.is(response.status, 400)
    t.regex(await response.text(), /password/)
    t.deepEqual(errors, [])
  })
}
