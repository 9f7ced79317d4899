// Progress and result of one request as server-sent events.

/** Begins the response. `progress(fraction)` may be called at any time and as often as it comes; `end(event, data)` once. */
export function eventStream(res) {
  let last = -1
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  // The client is to know that its work has begun, also where the event loop is about to be blocked.
  res.flushHeaders()

  function send(event, data) {
    res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  return {
    progress(fraction) {
      // Who reads too slowly misses some, rather than have them pile up here.
      if (fraction <= last || res.destroyed || res.writableEnded || res.writableNeedDrain) return
      last = fraction
      send('progress', { fraction })
    },
    end(event, data) {
      if (res.destroyed) return
      send(event, data)
      res.end()
    },
  }
}
