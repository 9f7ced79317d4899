// An Express server with a comment form: what is written is rendered and made safe on heavy-load's threads.
//
//   node examples/markdown/server.mjs    # and open http://localhost:3000
import { pathToFileURL } from 'node:url'
import express from 'express'
import { errorHandler, offload } from 'heavy-load/express'
import { renderMarkdown } from 'heavy-load/text'

/** Most bytes of a comment, and comments that are kept. */
const LARGEST = 64 * 1024
const MOST = 100

export const app = express()
/** As HTML: rendered once, when they come, and not each time that somebody reads them. */
const comments = []

app.get('/', (_request, response) => response.type('html').send(page()))

app.post(
  '/comments',
  express.urlencoded({ limit: LARGEST, extended: false }),
  offload(
    async (request, task, response) => {
      const html = await renderMarkdown(String(request.body?.text ?? ''), task)
      comments.unshift(html)
      comments.length = Math.min(comments.length, MOST)
      return response.redirect(303, '/')
    },
    // A comment has two seconds, and each address an equal share.
    { timeout: 2000, key: (request) => request.ip },
  ),
)

app.get('/fast', (_request, response) => response.json('fast'))
app.use(errorHandler())

function page() {
  return `<!doctype html>
<meta charset="utf-8">
<title>Comments</title>
<style>body { font: 1rem/1.5 sans-serif; max-width: 40rem; margin: 2rem auto } textarea { width: 100% }</style>
<h1>Comments</h1>
<form method="post" action="/comments">
  <textarea name="text" rows="6" placeholder="Markdown"></textarea>
  <button>Send</button>
</form>
${comments.map((html) => `<article>${html}</article>`).join('<hr>')}`
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = app.listen(process.env.PORT ?? 3000, () => console.log(`http://localhost:${server.address().port}`))
}
