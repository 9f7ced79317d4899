// What comes out of renderMarkdown and sanitizeHtml runs nothing in a real browser: a thousand hostile texts, written into a page in three ways, everything that
// they could wait for set off. What comes in runs: else the test would see nothing.
import test from 'ava'
import { renderMarkdown, sanitizeHtml } from 'heavy-load/text'
import { missing, openBrowser } from '../../../tools/browser.mjs'
import { hostileTexts } from './helpers/hostile.mjs'

const TEXTS = hostileTexts(1000)

/** Every tag and attribute that a caller may ask for, as far as it shows something. */
const WIDE = {
  tags: [
    'a',
    'area',
    'blockquote',
    'b',
    'p',
    'img',
    'div',
    'span',
    'table',
    'tr',
    'td',
    'video',
    'audio',
    'source',
    'details',
    'font',
    'label',
    'picture',
    'section',
  ],
  attributes: {
    '*': ['class', 'id', 'title', 'name'],
    a: ['href', 'target'],
    img: ['src', 'longdesc', 'alt'],
    area: ['href', 'target'],
    blockquote: ['cite'],
    video: ['src', 'poster', 'controls'],
    source: ['src'],
    details: ['open'],
    font: ['color', 'face'],
  },
}

let browser
test.before(async (t) => {
  if (missing !== null) return t.fail(missing)
  browser = await openBrowser()
  await browser.page.route('**/*', (route) => route.abort())
})
test.after.always(() => browser?.close())

/** How many of these pieces of HTML run something, each by itself; and the first of them. */
async function running(htmls) {
  const { page } = browser
  await page.goto('about:blank')
  const asked = []
  // Images and media may be shown, from wherever they are.
  const note = (request) => !['image', 'media'].includes(request.resourceType()) && asked.push(request.url())
  page.on('request', note)
  const ran = await page.evaluate(async (htmls) => {
    let count = 0
    window.ran = () => {
      count++
    }
    window.alert = window.ran
    const ran = []
    const turn = () => new Promise((resolve) => setTimeout(resolve, 0))
    for (const html of htmls) {
      const before = count
      const place = document.createElement('div')
      document.body.append(place)
      place.innerHTML = html
      // Written and parsed once more, as editors do it.
      const again = document.createElement('div')
      again.innerHTML = place.innerHTML
      document.body.append(again)
      const frame = document.createElement('iframe')
      document.body.append(frame)
      frame.contentWindow.ran = window.ran
      frame.contentDocument.write(html)
      for (const root of [place, again, frame.contentDocument]) {
        for (const element of root.querySelectorAll('*')) {
          for (const event of [
            'click',
            'mouseover',
            'focus',
            'error',
            'load',
            'toggle',
            'animationstart',
            'pointerrawupdate',
          ]) {
            // As whoever uses the page might; links that lead elsewhere are not followed.
            const given = new Event(event, { bubbles: false, cancelable: true })
            element.addEventListener(event, (event) => element.protocol !== 'javascript:' && event.preventDefault(), {
              once: true,
            })
            element.dispatchEvent(given)
          }
          if (element.protocol === 'javascript:') element.click()
        }
      }
      await turn()
      if (count > before) ran.push(html)
      for (const element of [place, again, frame]) element.remove()
    }
    // What takes a moment: images that are not there, addresses.
    await new Promise((resolve) => {
      const image = new Image()
      image.onerror = resolve
      image.src = 'x:x'
    })
    await turn()
    return { count, ran }
  }, htmls)
  page.off('request', note)
  return { ...ran, asked: asked.filter((url) => !url.startsWith('about:')) }
}

test.serial('what comes in runs', async (t) => {
  const { count } = await running(TEXTS.slice(0, 300))
  t.true(count > 100, `${count} things ran`)
})

for (const [name, clean] of Object.entries({
  'sanitizeHtml, by default': (text) => sanitizeHtml(text),
  'sanitizeHtml, with all that may be asked for': (text) => sanitizeHtml(text, WIDE),
  'sanitizeHtml of what it gave': async (text) => sanitizeHtml(await sanitizeHtml(text)),
  renderMarkdown: (text) => renderMarkdown(text),
  'renderMarkdown without extensions': (text) => renderMarkdown(text, { gfm: false }),
})) {
  test.serial(`${name}: nothing runs, and nothing is loaded but images`, async (t) => {
    const htmls = await Promise.all(TEXTS.map(clean))
    t.true(htmls.filter((html) => html.includes('<')).length > 300, 'they are HTML')
    const { count, ran, asked } = await running(htmls)
    t.deepEqual({ count, ran, asked }, { count: 0, ran: [], asked: [] })
  })
}
