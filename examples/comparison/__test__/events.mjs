// Reads server-sent events, as an EventSource would.

/** Yields { event, data } until the stream ends; `data` is parsed. */
export async function* eventsOf(response) {
  let text = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (text + chunk).split('\n\n')
    text = events.pop()
    for (const lines of events) {
      const fields = Object.fromEntries(lines.split('\n').map((line) => /^(\w+): (.*)$/.exec(line).slice(1)))
      yield { event: fields.event, data: JSON.parse(fields.data) }
    }
  }
}
