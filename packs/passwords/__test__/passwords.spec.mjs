// What is taken, what is refused, what no message says; in all forms and by every hand-over.
import test from 'ava'
import { freeze, Pool } from 'heavy-load'
import {
  hashPassword,
  hashPasswordAsync,
  hashPasswordSync,
  needsRehash,
  verifyPassword,
  verifyPasswordAsync,
  verifyPasswordSync,
} from 'heavy-load/passwords'
import { openPool } from '../../../__test__/helpers/pool.mjs'
import { until } from '../../../__test__/helpers/turns.mjs'

const FORMS = [
  [hashPassword, verifyPassword],
  [hashPasswordSync, verifyPasswordSync],
  [hashPasswordAsync, verifyPasswordAsync],
]
const CHEAP = { memoryCost: 64, timeCost: 1 }
const SECRET = 'correct horse battery staple'
const kept = hashPasswordSync(SECRET, CHEAP)
const keptByBcrypt = hashPasswordSync(SECRET, { algorithm: 'bcrypt', cost: 4 })

for (const [hash, verify] of FORMS) {
  test(`${hash.name} and ${verify.name}: each hash has a salt of its own`, async (t) => {
    for (const options of [CHEAP, { algorithm: 'bcrypt', cost: 4 }]) {
      const [one, other] = [await hash(SECRET, options), await hash(SECRET, options)]
      t.not(one, other)
      t.true(await verify(SECRET, { hash: one }))
      t.true(await verify(SECRET, { hash: other }))
      t.false(await verify(`${SECRET} `, { hash: one }))
    }
  })

  test(`${verify.name}: bytes by every hand-over are what the string is`, async (t) => {
    const bytes = () => new TextEncoder().encode(SECRET)
    const shared = new Uint8Array(new SharedArrayBuffer(bytes().length))
    shared.set(bytes())
    const inputs = [bytes(), Buffer.from(SECRET), bytes().buffer, shared, shared.buffer, freeze(bytes())]
    for (const input of inputs) t.true(await verify(input, { hash: kept }))
    const moved = bytes()
    t.true(await verify(moved, { hash: kept, transfer: true }))
    t.is(moved.length, 0)
  })
}

test("the defaults are OWASP's", async (t) => {
  t.regex(await hashPassword(SECRET), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  t.regex(await hashPassword(SECRET, { algorithm: 'bcrypt' }), /^\$2b\$12\$[\w./]{53}$/)
})

test('needsRehash: another algorithm, or a parameter below those that are wanted', (t) => {
  const owasp = hashPasswordSync(SECRET)
  t.false(needsRehash(owasp))
  t.false(needsRehash(owasp, { memoryCost: 8192, timeCost: 1 }))
  for (const options of [{ memoryCost: 19457 }, { timeCost: 3 }, { parallelism: 2 }, { algorithm: 'bcrypt' }]) {
    t.true(needsRehash(owasp, options), JSON.stringify(options))
  }
  t.true(needsRehash(kept))
  t.true(needsRehash(owasp.replace('argon2id', 'argon2i')))
  t.true(needsRehash(owasp.replace('v=19', 'v=16')))
  t.true(needsRehash(keptByBcrypt))
  t.true(needsRehash(keptByBcrypt, { algorithm: 'bcrypt' }))
  t.false(needsRehash(keptByBcrypt, { algorithm: 'bcrypt', cost: 4 }))
  t.true(needsRehash('$scrypt$ln=17,r=8,p=1$c29tZXNhbHQ$c29tZXNhbHQ'))
  for (const legacy of ['5f4dcc3b5aa765d61d8327deb882cf99', '$6$salt$hash', '']) t.true(needsRehash(legacy), legacy)
})

const MALFORMED = [
  '',
  'argon2id',
  '$6$salt$hash',
  '$argon2id$',
  '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ',
  '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$',
  '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAA$',
  '$argon2id$v=19$m=8,t=1,p=1$c2FsdA$AAAAAAAA',
  '$argon2id$v=18$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAA',
  '$argon2id$v=19$m=8,t=1$c29tZXNhbHQ$AAAAAAAA',
  '$argon2id$v=19$m=8,t=1,p=1,x=1$c29tZXNhbHQ$AAAAAAAA',
  '$argon2id$v=19$m=8,m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAA',
  '$argon2id$v=19$m=7,t=1,p=1$c29tZXNhbHQ$AAAAAAAA',
  '$argon2id$v=19$m=08,t=1,p=1$c29tZXNhbHQ$AAAAAAAA',
  '$argon2id$v=19$m=+8,t=1,p=1$c29tZXNhbHQ$AAAAAAAA',
  '$argon2id$v=19$m=8,t=0,p=1$c29tZXNhbHQ$AAAAAAAA',
  '$argon2id$v=19$m=8,t=1,p=0$c29tZXNhbHQ$AAAAAAAA',
  '$argon2id$v=19$m=99999999999,t=1,p=1$c29tZXNhbHQ$AAAAAAAA',
  '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$A?AAAAAA',
  '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ=$AAAAAAAA',
  '$2b$10$',
  '$2b$3$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
  '$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
  '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe',
  '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW',
  '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyO+W',
  '$2b$05$ééééééééééééééééééééééééééx',
  '$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
  '$scrypt$ln=0,r=8,p=1$c29tZXNhbHQ$AAAAAAAA',
  '$scrypt$ln=32,r=8,p=1$c29tZXNhbHQ$AAAAAAAA',
  '$scrypt$ln=4,r=0,p=1$c29tZXNhbHQ$AAAAAAAA',
  '$scrypt$ln=4,r=8,p=134217728$c29tZXNhbHQ$AAAAAAAA',
]

test('a malformed hash is ERR_INVALID_DATA', async (t) => {
  for (const hash of MALFORMED) {
    await t.throwsAsync(verifyPassword(SECRET, { hash }), { code: 'ERR_INVALID_DATA' }, hash)
  }
})

test('what a hash asks for is refused before any memory is taken', async (t) => {
  const tooMuch = [
    '$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQ$AAAAAAAA',
    '$argon2id$v=19$m=4294967295,t=4294967295,p=1$c29tZXNhbHQ$AAAAAAAA',
    '$argon2id$v=19$m=19456,t=33,p=1$c29tZXNhbHQ$AAAAAAAA',
    '$argon2id$v=19$m=8,t=77825,p=1$c29tZXNhbHQ$AAAAAAAA',
    '$2b$17$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    '$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    '$scrypt$ln=18,r=8,p=1$c29tZXNhbHQ$AAAAAAAA',
    '$scrypt$ln=31,r=8,p=1$c29tZXNhbHQ$AAAAAAAA',
    '$scrypt$ln=14,r=8,p=65$c29tZXNhbHQ$AAAAAAAA',
  ]
  for (const hash of tooMuch) {
    await t.throwsAsync(verifyPassword(SECRET, { hash }), { code: 'ERR_OUTPUT_TOO_LARGE' }, hash)
  }
  await t.throwsAsync(verifyPassword(SECRET, { hash: kept, maxMemory: 65535 }), { code: 'ERR_OUTPUT_TOO_LARGE' })
  t.true(await verifyPassword(SECRET, { hash: kept, maxMemory: 65536 }))
})

test('hashes with mutations are verified, refused or malformed, and nothing else', (t) => {
  const samples = [
    kept,
    keptByBcrypt,
    '$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHQ$AAAAAAAA',
    '$scrypt$ln=4,r=2,p=3$c29tZXNhbHQ$c29tZWRpZ2VzdA',
    '$argon2i$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAA',
  ]
  const pieces = [
    '$',
    ',',
    '=',
    'v=',
    'm=',
    't=',
    'p=',
    '0',
    '9'.repeat(20),
    '-1',
    '\0',
    'é',
    '\u{1f600}',
    '\ud800',
    '/',
    '+',
    '.',
  ]
  let seed = 1
  const below = (count) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return Math.floor((seed / 2 ** 32) * count)
  }
  const codes = new Set()
  for (let round = 0; round < 5000; round++) {
    let hash = samples[below(samples.length)]
    for (let change = below(4); change >= 0; change--) {
      const [from, length] = [below(hash.length + 1), below(5)]
      hash = hash.slice(0, from) + (below(2) ? pieces[below(pieces.length)] : '') + hash.slice(from + length)
    }
    try {
      // Small limits, so that what can be computed is computed soon.
      codes.add(verifyPasswordSync(SECRET, { hash, maxMemory: 200_000, timeout: 5000 }))
    } catch ({ code }) {
      codes.add(code)
    }
  }
  codes.delete('ERR_TASK_TIMEOUT')
  t.deepEqual([...codes].sort(), ['ERR_INVALID_DATA', 'ERR_OUTPUT_TOO_LARGE', false, true])
})

test('mistakes of the caller have their codes', async (t) => {
  const [TYPE, VALUE, RANGE] = ['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_OUT_OF_RANGE']
  const bcrypt = { algorithm: 'bcrypt' }
  const cases = [
    [TYPE, hashPassword, undefined],
    [TYPE, hashPassword, 12345678],
    [TYPE, hashPassword, null],
    [TYPE, hashPassword, {}],
    [VALUE, hashPassword, 'x'.repeat(4097)],
    [VALUE, hashPassword, SECRET, { algorithm: 'md5' }],
    [VALUE, hashPassword, 'x'.repeat(73), bcrypt],
    [VALUE, hashPassword, 'ä'.repeat(37), bcrypt],
    [VALUE, hashPassword, 'a\0b', bcrypt],
    [VALUE, hashPassword, Buffer.from('a\0b'), bcrypt],
    [RANGE, hashPassword, SECRET, { ...bcrypt, cost: 3 }],
    [RANGE, hashPassword, SECRET, { ...bcrypt, cost: 17 }],
    [RANGE, hashPassword, SECRET, { ...bcrypt, cost: 4.5 }],
    [TYPE, hashPassword, SECRET, { ...bcrypt, cost: '10' }],
    [VALUE, hashPassword, SECRET, { cost: 12 }],
    [VALUE, hashPassword, SECRET, { ...bcrypt, timeCost: 2 }],
    [RANGE, hashPassword, SECRET, { memoryCost: 7 }],
    [RANGE, hashPassword, SECRET, { memoryCost: 262145 }],
    [RANGE, hashPassword, SECRET, { memoryCost: 64, parallelism: 9 }],
    [RANGE, hashPassword, SECRET, { timeCost: 33 }],
    [RANGE, hashPassword, SECRET, { parallelism: 0 }],
    [TYPE, verifyPassword, SECRET],
    [TYPE, verifyPassword, SECRET, { hash: 5 }],
    [TYPE, verifyPassword, SECRET, { hash: Buffer.from(kept) }],
    [RANGE, verifyPassword, SECRET, { hash: kept, maxMemory: -1 }],
  ]
  for (const [code, call, ...args] of cases) await t.throwsAsync(call(...args), { code }, JSON.stringify(args))
  for (const args of [[5], [undefined], [kept, { cost: '3', algorithm: 'bcrypt' }]])
    t.throws(() => needsRehash(...args), { code: TYPE })
  t.throws(() => needsRehash('$2b$'), { code: 'ERR_INVALID_DATA' })
})

test('a hash that is given as other packages take it: the message says where it belongs', async (t) => {
  const calls = [...FORMS.map(([, verify]) => verify), (...args) => openPool(t).run('verifyPassword', ...args)]
  for (const call of calls) {
    const { code, message } = await t.throwsAsync(async () => call(SECRET, kept))
    t.is(code, 'ERR_INVALID_ARG_TYPE')
    t.is(message, 'The "options" argument must be of type object, such as { hash }. Received type string')
  }
})

test('bcrypt takes 72 bytes, and sees the last of them', async (t) => {
  const password = 'x'.repeat(72)
  const hash = await hashPassword(password, { algorithm: 'bcrypt', cost: 4 })
  t.true(await verifyPassword(password, { hash }))
  t.false(await verifyPassword(`${'x'.repeat(71)}y`, { hash }))
  t.false(await verifyPassword('x'.repeat(71), { hash }))
})

test('no message says what the password or the hash was', async (t) => {
  const given = [
    [hashPassword, 918273645],
    [hashPassword, `${SECRET}\0`, { algorithm: 'bcrypt' }],
    [hashPassword, SECRET.repeat(9), { algorithm: 'bcrypt' }],
    [hashPassword, [SECRET]],
    [verifyPassword, 918273645, { hash: kept }],
    [verifyPassword, SECRET, { hash: 918273645 }],
    [verifyPassword, SECRET, { hash: kept.slice(1) }],
    [verifyPassword, SECRET, { hash: `$argon2id$${SECRET}` }],
    [verifyPassword, SECRET, { hash: kept, maxMemory: 1 }],
    // In the order of other packages.
    [verifyPassword, kept, SECRET],
    [verifyPassword, SECRET, kept],
  ]
  for (const [call, ...args] of given) {
    const { message, stack } = await t.throwsAsync(call(...args))
    for (const text of [message, stack]) {
      t.false(
        ['918273645', 'horse', kept.slice(30, 40)].some((secret) => text.includes(secret)),
        text,
      )
    }
  }
})

test('bcrypt stops while it runs, and tells its progress', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const controller = new AbortController()
  const seen = []
  const task = hashPassword(SECRET, {
    pool,
    algorithm: 'bcrypt',
    cost: 16,
    signal: controller.signal,
    onProgress: (fraction) => {
      seen.push(fraction)
      controller.abort()
    },
  })
  await t.throwsAsync(task, { code: 'ABORT_ERR' })
  t.true(seen[0] > 0 && seen[0] < 1)
  await until(() => pool.stats().running === 0, 'a free thread')
  t.is(await verifyPassword(SECRET, { pool, hash: kept }), true)
})

test('scrypt stops while it runs', async (t) => {
  const pool = openPool(t, { threads: 1 })
  const controller = new AbortController()
  const hash = '$scrypt$ln=17,r=8,p=1$c29tZXNhbHQ$AAAAAAAA'
  const task = verifyPassword(SECRET, { pool, hash, signal: controller.signal, onProgress: () => controller.abort() })
  await t.throwsAsync(task, { code: 'ABORT_ERR' })
  await until(() => pool.stats().running === 0, 'a free thread')
  t.is(pool.stats().memory, 0)
})

test('as much memory as there is, and no more at once', async (t) => {
  const MIB = 2 ** 20
  const pool = new Pool({ threads: 4, maxMemory: 100 * MIB })
  t.teardown(() => pool.close({ force: true }))
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, pool.stats().memory)
  }, 1)
  const hashes = await Promise.all(
    Array.from({ length: 8 }, () => hashPassword(SECRET, { pool, memoryCost: 40 * 1024, timeCost: 1 })),
  )
  clearInterval(watch)
  t.is(new Set(hashes).size, 8)
  t.true(most > 0 && most <= 80 * MIB, `${most}`)
})
