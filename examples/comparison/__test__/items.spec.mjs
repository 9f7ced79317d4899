// Jobs of several items: one after the other, and the same work in all strategies.
import test from 'ava'
import sharp from 'sharp'
import { difference, pixels } from '../../../packs/image/__test__/helpers/images.mjs'
import { inTurn } from '../lib/in-turn.mjs'
import { logins, PASSWORD } from '../lib/login.mjs'
import { readPhoto } from '../lib/photo.mjs'
import { strategies } from '../lib/strategies.mjs'

test('items come one after the other, and each tells how far the request is', async (t) => {
  let atWork = 0
  const run = inTurn(async ({ onProgress }) => {
    t.is(++atWork, 1)
    await new Promise(setImmediate)
    onProgress(0.5)
    atWork--
  })
  const fractions = []
  t.is(await run(2, { onProgress: (fraction) => fractions.push(fraction) }), 2)
  t.deepEqual(fractions, [0.25, 0.5, 0.75, 1])
  t.is(await run(0), 0)
})

test('between two items a request stops, also where an item knows no signal and holds the event loop', async (t) => {
  const client = new AbortController()
  const left = new Error('The client has left')
  setImmediate(() => client.abort(left))
  let done = 0
  const run = inTurn(() => {
    done++
  })
  t.is(await t.throwsAsync(run(10, { signal: client.signal })), left)
  t.is(done, 1)
})

for (const { name, open } of strategies.filter(({ job }) => job === 'login')) {
  test(`${name}: the password is right, and no other is`, async (t) => {
    const { check, close } = await open()
    t.teardown(close)
    t.true(await check(PASSWORD, newTask()))
    t.false(await check(`${PASSWORD}.`, newTask()))
  })
}

test('a login whose password is taken for a wrong one fails', async (t) => {
  await t.throwsAsync(logins(async () => false).run(1), { message: /wrong/ })
})

for (const { name, open } of strategies.filter(({ job }) => job === 'thumbnails')) {
  test(`${name}: the thumbnail is a JPEG of the same picture, 320 wide`, async (t) => {
    const { thumbnail, close } = await open()
    t.teardown(close)
    const image = await thumbnail(newTask())
    const { format, width, height } = await sharp(image).metadata()
    t.deepEqual({ format, width, height }, { format: 'jpeg', width: 320, height: 213 })
    const expected = await sharp(await readPhoto())
      .resize(320)
      .png()
      .toBuffer()
    const { mean } = difference(await pixels(expected), await pixels(image))
    // Scaled and encoded by other code: as near as that comes.
    t.true(mean < 5, `the mean difference is ${mean} of 255`)
  })
}

function newTask() {
  return { signal: new AbortController().signal, onProgress() {} }
}
