// The comparison's page in a real browser: charts that move, progress, cancelling, errors in words, and the table to compare by.
import { once } from 'node:events'
import { createServer } from 'node:net'
import test from 'ava'
import { missing, openBrowser } from '../../../tools/browser.mjs'
import { startComparison } from '../../../tools/comparison-server.mjs'
import { freePort } from '../../../tools/redis.mjs'
import { jobs } from '../lib/jobs.mjs'

/** So much that only cancelling ends it while a test waits. */
const ENDLESS = '1e12'
/** Nobody listens there: PM2 and Redis are not to be found, also where they run. */
const pm2Port = await freePort()
const redisPort = await freePort()

// In CI a browser that is missing is an error; elsewhere these tests are skipped, and it is said so.
const isSkipped = missing !== null && !process.env.CI
if (isSkipped) console.warn(`SKIPPED, the tests of the comparison's page: ${missing}`)
const inBrowser = isSkipped ? test.serial.skip : test.serial

let server
let browser
let page
/** What the page complains of, and where it asks. */
const complaints = []
const asked = new Set()

test.before(async () => {
  if (isSkipped) return
  if (missing !== null) throw new Error(missing)
  server = await startComparison({ HEAVY_PM2_PORT: String(pm2Port), REDIS_URL: `redis://127.0.0.1:${redisPort}` })
  browser = await openBrowser({ viewport: { width: 1280, height: 800 } })
  page = browser.page
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} ${message.location().url}`)
  })
  page.on('pageerror', (error) => complaints.push(error.stack))
  page.on('request', (request) => asked.add(new URL(request.url()).origin))
  await page.goto(server.url)
  await page.waitForSelector('#fire:enabled')
})

test.after.always(async () => {
  await browser?.close()
  await server?.stop()
})

for (const name of ['blocking', 'worker-thread', 'rayon']) {
  inBrowser(`${name}, fired: the charts move, and the table has its result`, async (t) => {
    const before = await charts()
    await fire(name, { count: 5, amount: '1e9' })
    await over()
    const after = await charts()
    for (const chart of Object.keys(before)) {
      t.true(after[chart].points > before[chart].points, `${chart} has more points`)
      t.true(Number.isFinite(after[chart].last), `${chart} shows a number`)
      t.is(after[chart].runs, before[chart].runs + 1, `${chart} shows when ${name} ran`)
    }
    t.deepEqual(await states(), Array(5).fill('done'))
    t.true((await bars()).every((value) => value === 1))
    const result = await resultOf(name)
    t.is(result[0], '5 × 1e9')
    t.is(result[1], '5 of 5')
    const [perSecond, p50, p99, max, memory] = result.slice(2)
    t.regex(perSecond, /^(★ )?[\d.]+$/)
    // Where there are many cores, ours may be done before /fast is asked for again.
    for (const text of [p50, p99, max]) t.regex(text, name === 'rayon' ? /^(★ )?[\d.]+ m?s$|^–$/ : /^(★ )?[\d.]+ m?s$/)
    t.regex(memory, /^(★ )?\d+ MiB$/)
  })
}

for (const name of ['worker-thread', 'rayon']) {
  inBrowser(
    `${name}: progress bars advance; a cancelled request stops on the server, and the others go on`,
    async (t) => {
      await fire(name, { count: 2, amount: ENDLESS })
      await runningIs(2)
      await advance(0)
      await advance(1)
      const before = await boxes()
      t.is(await page.locator('#requests button:visible').count(), 2)
      // By keyboard: the focus then goes to the next that can be cancelled, and is not lost.
      await page.focus('#requests li:nth-child(1) button')
      await page.keyboard.press('Enter')
      await runningIs(1)
      t.deepEqual(await states(), ['cancelled', 'running'])
      t.is(await page.textContent('#requests li:nth-child(1) .state'), 'cancelled')
      t.is(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Cancel request 2')
      t.is(await page.locator('#requests button:visible').count(), 1, 'there is nothing to be cancelled')
      t.deepEqual(await boxes(), before)
      await advance(1)
      await page.keyboard.press('Enter')
      await runningIs(0)
      await over()
      t.deepEqual(await states(), ['cancelled', 'cancelled'])
      t.is(await page.locator('#requests button:visible').count(), 0)
      t.deepEqual(await boxes(), before)
      t.is(await page.evaluate(() => document.activeElement.id), 'fire')
      t.regex(await page.textContent('#status'), /over: 2 cancelled\./)
      t.is((await resultOf(name))[1], '5 of 5', 'what did nothing is no result')
    },
  )
}

inBrowser('all can be cancelled at once, also those that wait', async (t) => {
  await fire('rayon', { count: 6, amount: ENDLESS })
  await runningIs(4)
  await page.click('#cancel-all')
  await runningIs(0)
  await over()
  t.deepEqual(await states(), Array(6).fill('cancelled'))
})

inBrowser('strategies are listed by job, which says what there is of the load', async (t) => {
  const titles = await page.$$eval('#strategy optgroup', (groups) => groups.map(({ label }) => label))
  t.deepEqual(
    titles,
    Object.values(jobs).map(({ title }) => title),
  )
  for (const [name, job] of [
    ['bcryptjs', jobs.login],
    ['rayon', jobs.count],
  ]) {
    await page.selectOption('#strategy', name)
    t.is((await page.textContent('#amount-label')).toLowerCase(), `${job.unit} in each`)
    t.is(Number(await page.inputValue('#amount')), job.amount)
    t.is(await page.inputValue('#count'), String(job.requests))
    t.true((await page.textContent('#amount-hint')).startsWith(`${job.amount.toLocaleString('en')}, at most `))
  }
  await page.fill('#amount', '3e8')
  await page.selectOption('#strategy', 'blocking')
  t.is(await page.inputValue('#amount'), '3e8', 'within a job it stays')
})

inBrowser('results are compared with those of the same job', async (t) => {
  const counted = await page.$$eval('#results tr[data-strategy]', (rows) => rows.map(({ textContent }) => textContent))
  for (const name of ['bcryptjs', 'verify-password']) {
    await fire(name, { count: 4, amount: '1' })
    await over()
  }
  const bodies = await page.$$eval('#results tbody', (all) =>
    all.map((body) => ({
      rows: [...body.rows].map(({ textContent }) => textContent),
      best: body.querySelectorAll('.best').length,
    })),
  )
  t.deepEqual(bodies[0].rows.slice(1), counted, 'what was counted is as it was')
  t.is(bodies[1].rows.length, 3)
  for (const { best } of bodies) t.true(best >= 1)
})

inBrowser(
  'the table keeps all, in the order of the list, through a reload, and forgets them when told to',
  async (t) => {
    await page.reload()
    await page.waitForSelector('#fire:enabled')
    t.deepEqual(await resultNames(), ['blocking', 'worker-thread', 'rayon', 'bcryptjs', 'verify-password'])
    t.true((await page.locator('#results .best').count()) >= 2, 'the best are marked')
    const { address, text } = await page.$eval('#share', ({ href, textContent }) => ({
      address: href,
      text: textContent,
    }))
    t.is(text, 'Link to these results')
    const rows = await page.$$eval('#results tbody tr', (all) => all.map(({ textContent }) => textContent))
    await page.click('#forget')
    await page.goto(address)
    await page.waitForSelector('#results tr[data-strategy]')
    t.deepEqual(await page.$$eval('#results tbody tr', (all) => all.map(({ textContent }) => textContent)), rows)
    for (const wrong of ['%', '[1,null,{}]', encodeURIComponent('[{"strategy":"rayon","fast":{"p50":"<img>"}}]')]) {
      await page.goto(`${address.split('#')[0]}#results=${wrong}`)
      await page.reload()
      await page.waitForSelector('#fire:enabled')
    }
    t.is(await page.locator('#share').isVisible(), false)
    await page.click('#forget')
    t.deepEqual(await resultNames(), [])
  },
)

inBrowser('a strategy that is not to be had says so, and how to get it; the rest is not sent', async (t) => {
  t.regex(await optionText('pm2'), /^pm2 \(cannot run\): /)
  t.regex(await optionText('rayon'), /^rayon: /)
  await page.selectOption('#strategy', 'pm2')
  t.regex(await page.textContent('#strategy-error'), /PM2 does not run.*Start it: /, 'before it is fired')
  await fire('pm2', { count: 6, amount: '1e8' })
  await over()
  t.regex(await page.textContent('#strategy-error'), /PM2 does not run.*Start it: /)
  const all = await states()
  t.is(all.length, 6)
  t.true(all.every((state) => state === 'failed' || state === 'unsent'))
  t.true(all.includes('unsent'))
  t.deepEqual(await resultNames(), [])
  await page.selectOption('#strategy', 'rayon')
  t.is(await page.textContent('#strategy-error'), '', 'it is not said of another')
})

inBrowser('what was missing and has been started is seen when one comes back to the page', async (t) => {
  await page.selectOption('#strategy', 'pm2')
  const pm2 = createServer().listen(pm2Port, '127.0.0.1')
  await once(pm2, 'listening')
  t.teardown(() => pm2.close())
  await page.evaluate(() => dispatchEvent(new Event('focus')))
  await page.waitForFunction(() => document.querySelector('#strategy-error').textContent === '')
  t.regex(await optionText('pm2'), /^pm2: /)
})

inBrowser('an amount that is none is explained beside its field, and not sent', async (t) => {
  const sent = []
  const note = (request) => sent.push(new URL(request.url()).pathname)
  page.on('request', note)
  t.teardown(() => page.off('request', note))
  for (const amount of ['many', '-1', '1e13']) {
    await fire('rayon', { count: 4, amount })
    t.true((await page.textContent('#amount-hint')).includes(`"${amount}"`))
    t.is(await page.getAttribute('#amount', 'aria-invalid'), 'true')
    t.is(await page.evaluate(() => document.activeElement.id), 'amount')
  }
  // /fast is asked for all the time: by then, all that was fired would have been sent.
  await page.waitForRequest((request) => request.url().endsWith('/fast'))
  t.false(sent.includes('/strategies/rayon'))
  await page.fill('#amount', '2e8')
  t.is(await page.textContent('#amount-hint'), '200,000,000, at most 1e12')
  t.is(await page.getAttribute('#amount', 'aria-invalid'), null)
})

inBrowser('by keyboard: each control is reached in turn, shows that it is, and Enter fires', async (t) => {
  await page.focus('#strategy')
  for (const id of ['count', 'amount', 'fire']) {
    await page.keyboard.press('Tab')
    t.is(await page.evaluate(() => document.activeElement.id), id)
    t.not(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none')
  }
  await page.fill('#amount', '1e8')
  await page.press('#amount', 'Enter')
  await page.waitForSelector('#requests li')
  await over()
  t.deepEqual(await resultNames(), ['rayon'])
})

for (const { width, height } of [
  { width: 1280, height: 800 },
  { width: 360, height: 740 },
]) {
  inBrowser(`dark, ${width} px wide: nothing is cut off, and nothing moves when one chooses and fires`, async (t) => {
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.setViewportSize({ width, height })
    await page.reload()
    await page.waitForSelector('#fire:enabled')
    t.true((await lightness('backgroundColor')) < (await lightness('color')))
    const before = await places()
    for (const name of await page.$$eval('#strategy option', (options) => options.map(({ value }) => value))) {
      await page.selectOption('#strategy', name)
      t.deepEqual(await places(), before, name)
    }
    await fire('worker-thread', { count: 12, amount: '1e7' })
    await page.waitForSelector('#requests li:nth-child(12)')
    t.deepEqual(await places(), before)
    await over()
    t.deepEqual(await places(), before)
    t.true(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'no scrolling sideways')
    // The charts follow the width.
    await page.waitForFunction(() =>
      [...document.querySelectorAll('.plot')].every((plot) => plot.firstChild.offsetWidth === plot.clientWidth),
    )
  })
}

inBrowser('on a phone, /fast is in sight of whoever fires, and of whoever scrolls', async (t) => {
  await page.setViewportSize({ width: 360, height: 740 })
  await page.reload()
  await page.waitForSelector('#fire:enabled')
  await page.evaluate(() => scrollTo(0, 0))
  for (const id of ['chart-fast', 'strategy', 'fire']) t.true(await isInSight(id), id)
  await page.evaluate(() => document.querySelector('#results').scrollIntoView())
  t.true(await isInSight('chart-fast'))
  t.false(await isInSight('fire'))
  // By keyboard one comes back to what is not behind it.
  await page.focus('#strategy')
  const bottom = await page.$eval('#chart-fast', (figure) => figure.getBoundingClientRect().bottom)
  t.true((await page.$eval('#strategy', (select) => select.getBoundingClientRect().top)) >= bottom)
})

inBrowser('the page asks nobody but its server, and has nothing to complain of', (t) => {
  t.deepEqual([...asked], [new URL(server.url).origin])
  t.deepEqual(complaints, [])
})

async function fire(name, { count, amount }) {
  await page.selectOption('#strategy', name)
  await page.fill('#count', String(count))
  await page.fill('#amount', amount)
  await page.click('#fire')
}

/** How light a colour of the page is. */
function lightness(property) {
  return page.evaluate((property) => {
    const [red, green, blue] = getComputedStyle(document.body)[property].match(/\d+/g).map(Number)
    return red + green + blue
  }, property)
}

/** Until the run is over, and with it what is measured. */
function over() {
  return page.waitForFunction(() => document.querySelector('#status').textContent.includes(', over:'))
}

/** Until the server says that so many heavy requests are in flight. */
function runningIs(number) {
  return page.waitForFunction((text) => document.querySelector('#running').textContent === text, String(number))
}

/** Until the bar of a request, by its index, has come further twice. */
async function advance(index) {
  for (let times = 0; times < 2; times++) {
    const value = (await bars())[index]
    await page.waitForFunction(
      ([index, value]) => document.querySelectorAll('#requests progress')[index].value > value,
      [index, value],
    )
  }
}

function bars() {
  return page.$$eval('#requests progress', (bars) => bars.map(({ value }) => value))
}

function states() {
  return page.$$eval('#requests li', (rows) => rows.map(({ dataset }) => dataset.state))
}

/** What the charts hold, by name. */
async function charts() {
  const all = await page.$$eval('.charts figure', (figures) => figures.map(({ id, dataset }) => [id, { ...dataset }]))
  const numbers = ({ points = 0, last, runs = 0 }) => ({
    points: Number(points),
    last: Number(last),
    runs: Number(runs),
  })
  return Object.fromEntries(all.map(([id, data]) => [id, numbers(data)]))
}

function optionText(name) {
  return page.textContent(`#strategy option[value="${name}"]`)
}

function resultNames() {
  return page.$$eval('#results tr[data-strategy]', (rows) => rows.map(({ dataset }) => dataset.strategy))
}

function resultOf(name) {
  return page.$$eval(`#results tr[data-strategy="${name}"] td`, (cells) => cells.map(({ textContent }) => textContent))
}

/** All of it. */
function isInSight(id) {
  return page.$eval(`#${id}`, (element) => {
    const { top, bottom } = element.getBoundingClientRect()
    return top >= 0 && bottom <= innerHeight
  })
}

/** What is seen of the requests, but for their buttons: where, and how large. */
function boxes() {
  return page.$$eval('#requests :is(.name, progress, .state)', (parts) =>
    parts.map((part) => part.getBoundingClientRect().toJSON()),
  )
}

/** Where on the page things are. */
function places() {
  return page.$$eval('.control, #status, #requests, figure, .results', (elements) =>
    elements.map((element) => element.getBoundingClientRect().top + scrollY),
  )
}
