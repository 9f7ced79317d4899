// A server as PM2 runs it in cluster mode; see ../ecosystem.config.cjs. PM2 forks it, restarts it and hands connections
// out: nothing of that is in here.
import { createHeavyServer } from './http-server.mjs'

const server = createHeavyServer().listen(Number(process.env.HEAVY_PM2_PORT ?? 3101), '127.0.0.1', (error) => {
  if (error) throw error
  // `wait_ready`: only from now on does PM2 count it as started.
  process.send?.('ready')
})

// PM2 asks so when it reloads, scales down or stops.
process.once('SIGINT', () => {
  // Under PM2 the channel to it would keep the process alive.
  server.close(() => process.exit())
  server.closeIdleConnections()
})
