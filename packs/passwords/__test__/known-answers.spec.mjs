// Hashes that others have made are verified, and ours by others.
import { randomBytes, scryptSync } from 'node:crypto'
import * as argon2 from '@node-rs/argon2'
import * as bcrypt from '@node-rs/bcrypt'
import test from 'ava'
import bcryptjs from 'bcryptjs'
import { hashPassword, verifyPassword } from 'heavy-load/passwords'

const KNOWN = [
  // The reference implementation's own tests (phc-winner-argon2, src/test.c).
  [
    'argon2i, version 16',
    'password',
    '$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ',
  ],
  ['argon2i', 'password', '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA'],
  ['argon2id', 'password', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
  // crypt_blowfish's own tests.
  ['bcrypt', 'U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['bcrypt', 'U*U*', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK'],
  ['bcrypt', 'U*U*U', '$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a'],
  ['bcrypt of nothing', '', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy'],
  ['bcrypt, version y', Buffer.from([0xa3]), '$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq'],
  [
    'bcrypt, of which 72 bytes count',
    '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored',
    '$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui',
  ],
]

for (const [name, password, hash] of KNOWN) {
  test(`${name}: ${hash}`, async (t) => {
    t.true(await verifyPassword(password, { hash }))
    t.false(await verifyPassword(Buffer.concat([Buffer.from('x'), Buffer.from(password)]), { hash }))
    const swapped = hash.at(-9) === 'x' ? 'y' : 'x'
    t.false(await verifyPassword(password, { hash: `${hash.slice(0, -9)}${swapped}${hash.slice(-8)}` }))
  })
}

test('bits that nobody reads in a salt do not matter', async (t) => {
  const hash = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'
  t.true(await verifyPassword('U*U', { hash: hash.replace('C.E5', 'C/E5') }))
})

for (const [log, r, p, length] of [
  [1, 1, 1, 64],
  [10, 8, 16, 64],
  [14, 8, 1, 32],
  [15, 5, 2, 33],
]) {
  test(`scrypt with N = 2^${log}, r = ${r}, p = ${p} is node:crypto's`, async (t) => {
    const salt = randomBytes(16)
    const base64 = (bytes) => bytes.toString('base64').replace(/=+$/, '')
    for (const password of ['', 'pässwörd', 'x'.repeat(100)]) {
      const digest = scryptSync(password, salt, length, { N: 2 ** log, r, p, maxmem: 2 ** 30 })
      const hash = `$scrypt$ln=${log},r=${r},p=${p}$${base64(salt)}$${base64(digest)}`
      t.true(await verifyPassword(password, { hash }))
      t.false(await verifyPassword(`${password}.`, { hash }))
    }
  })
}

for (const algorithm of ['Argon2d', 'Argon2i', 'Argon2id']) {
  test(`${algorithm} of @node-rs/argon2 is verified, and ours by it`, async (t) => {
    for (const parallelism of [1, 3]) {
      const options = {
        algorithm: argon2.Algorithm[algorithm],
        memoryCost: 1024,
        timeCost: 3,
        parallelism,
        outputLen: 40,
      }
      const hash = await argon2.hash('pässwörd', options)
      t.true(await verifyPassword('pässwörd', { hash }))
      t.false(await verifyPassword('password', { hash }))
      t.true(
        await argon2.verify(await hashPassword('pässwörd', { memoryCost: 512, timeCost: 1, parallelism }), 'pässwörd'),
      )
    }
  })
}

test('bcrypt of @node-rs/bcrypt and of bcryptjs is verified, and ours by them', async (t) => {
  const ours = await hashPassword('pässwörd', { algorithm: 'bcrypt', cost: 5 })
  t.true(await bcrypt.verify('pässwörd', ours))
  t.true(await bcryptjs.compare('pässwörd', ours))
  for (const hash of [await bcrypt.hash('pässwörd', 6), await bcryptjs.hash('pässwörd', 6)]) {
    t.true(await verifyPassword('pässwörd', { hash }))
    t.false(await verifyPassword('passwörd', { hash }))
  }
})
