// One heavy request over server-sent events. EventSource cannot tell a refusal's status and text, so it is read by hand.

/** Resolves with the answer, { strategy, answer, ms }. Aborting `signal` closes the connection: that is how work is cancelled. */
export async function heavy(route, amount, { signal, onProgress }) {
  const url = `${route}?amount=${amount}`
  const response = await fetch(url, { headers: { Accept: 'text/event-stream' }, cache: 'no-store', signal })
  if (!response.ok) throw await refusal(response)
  for await (const { event, data } of eventsOf(response.body)) {
    if (event === 'progress') onProgress(data.fraction)
    if (event === 'result') return data
    if (event === 'failure') throw failure(data)
  }
  throw new Error('The server ended the connection without an answer')
}

/** The events of a stream; leaving the loop closes the connection. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const blocks = (text + value).split('\n\n')
      text = blocks.pop()
      for (const block of blocks) {
        const event = parse(block)
        if (event !== null) yield event
      }
    }
  } finally {
    // Nobody is to hear that it was aborted already.
    reader.cancel().catch(() => {})
  }
}

/** A block of lines `field: value`; null if it has no data, such as a comment that keeps the connection alive. */
function parse(block) {
  let event = 'message'
  const data = []
  for (const line of block.split('\n')) {
    const [, field, value] = /^(event|data): ?(.*)$/.exec(line) ?? []
    if (field === 'event') event = value
    if (field === 'data') data.push(value)
  }
  return data.length === 0 ? null : { event, data: JSON.parse(data.join('\n')) }
}

async function refusal(response) {
  const body = await response.json().catch(() => null)
  return failure({ message: `The server answered ${response.status}`, ...body?.error })
}

function failure({ code, message }) {
  return Object.assign(new Error(message), { code })
}
