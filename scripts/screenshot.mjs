// Makes the picture of the comparison's page for the README: two strategies fired, one after the other.
import { fileURLToPath } from 'node:url'
import { missing, openBrowser } from '../tools/browser.mjs'
import { startComparison } from '../tools/comparison-server.mjs'

const STRATEGIES = ['blocking', 'rayon']
const path = fileURLToPath(new URL('../examples/comparison/screenshot.png', import.meta.url))

if (missing !== null) throw new Error(missing)
const server = await startComparison()
const browser = await openBrowser({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' })
try {
  await takePicture(browser.page)
} finally {
  await browser.close()
  await server.stop()
}

async function takePicture(page) {
  await page.goto(server.url)
  await page.waitForSelector('#fire:enabled')
  // A server that has just started is slow at first: that is nobody's fault.
  await chartsHave(page, 8)
  for (const name of STRATEGIES) {
    await page.selectOption('#strategy', name)
    await page.click('#fire')
    await page.waitForSelector(`#results tr[data-strategy="${name}"]`)
  }
  // And then quiet again.
  await chartsHave(page, 4)
  await page.screenshot({ path })
}

/** Waits for so many more of what the server says of itself. */
async function chartsHave(page, more) {
  await page.evaluate(async (more) => {
    const { next } = await import('./samples.mjs')
    for (let i = 0; i < more; i++) await next('live')
  }, more)
}
