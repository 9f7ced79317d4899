// `moduleResolution: node10` knows no `exports`: it finds the declarations of subpaths by `typesVersions`.
import { heavyLoad, type Pool } from 'heavy-load'
import { offload } from 'heavy-load/express'
import plugin from 'heavy-load/fastify'
import { registerMetrics } from 'heavy-load/metrics'
import { RemotePool } from 'heavy-load/remote'

export const route = offload(async (_request, task) => heavyLoad(1000, task), { timeout: 100 })
export const remote: RemotePool = new RemotePool({ connection: 'redis://127.0.0.1' })
export const stop: () => void = registerMetrics(undefined as never, { pools: [undefined as unknown as Pool] })
export const name: (...args: never[]) => void = plugin

// Each is found, and not `any`.
// @ts-expect-error: no option
offload(() => 1, { timuot: 1 })
// @ts-expect-error: no option
new RemotePool({ connection: '', queu: '' })
// @ts-expect-error: no option
registerMetrics(undefined as never, { pool: [] })
// @ts-expect-error: no number
export const wrong: number = plugin
