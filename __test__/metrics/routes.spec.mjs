// Metrics of tasks that a route of a server has called say which route: as it was defined, never as somebody asked for it.
import test from 'ava'
import fastify from 'fastify'
import { heavyLoad } from 'heavy-load'
import { offload } from 'heavy-load/express'
import plugin from 'heavy-load/fastify'
import { instrument, registerMetrics } from 'heavy-load/metrics'
import { Registry } from 'prom-client'
import { EXPRESS, listen } from '../helpers/http-servers.mjs'
import { hold, openPool } from '../helpers/pool.mjs'

/** What has been counted of a pool, without what is 0: by route, kernel and outcome. */
async function counted(register, pool) {
  const { values } = await register.getSingleMetric('heavy_load_tasks_total').get()
  const ours = values.filter(({ labels, value }) => labels.pool === pool.name && value > 0)
  return Object.fromEntries(ours.map(({ labels, value }) => [`${labels.route} ${labels.outcome}`, value]))
}

for (const [kind, express] of Object.entries(EXPRESS)) {
  test(`${kind}: by the route's pattern`, async (t) => {
    const register = new Registry()
    const pool = openPool(t, { threads: 1, maxQueue: 0, name: 'of routes' })
    t.teardown(registerMetrics(register, { pools: [pool] }))
    const route = () => offload((_request, task) => heavyLoad(10, task), { pool })
    const router = express.Router()
    router.get('/:id/report', route())
    const app = express()
    app.get('/items/:id', route())
    app.get(/^\/(one|other)$/, route())
    app.use('/tenants/:tenant', router)
    app.use('/no-route', route())
    const url = await listen(t, app)
    for (const path of [
      'items/1',
      'items/2',
      'one',
      'other',
      'tenants/7/8/report',
      'tenants/8/9/report',
      'no-route/5',
    ]) {
      t.is((await fetch(`${url}/${path}`)).status, 200, path)
    }
    await heavyLoad(10, { pool })
    const release = await hold(pool)
    t.is((await fetch(`${url}/items/3`)).status, 503)
    await release()
    t.deepEqual(await counted(register, pool), {
      '/items/:id completed': 2,
      '/items/:id rejected': 1,
      '/^\\/(one|other)$/ completed': 2,
      '/:id/report completed': 2,
      'undefined completed': 2,
      'undefined cancelled': 1,
    })
    const { values } = await register.getSingleMetric('heavy_load_run_seconds').get()
    const runs = values.find(
      ({ metricName, labels }) => metricName === 'heavy_load_run_seconds_count' && labels.route === '/items/:id',
    )
    t.is(runs.value, 2)
    const { values: tasks } = await register.getSingleMetric('heavy_load_tasks_total').get()
    const failed = tasks.find(({ labels }) => labels.route === '/items/:id' && labels.outcome === 'failed')
    t.is(failed.value, 0, 'the other outcomes are there with the first one')
  })
}

test('Fastify: by the whole path, prefixes included', async (t) => {
  const register = new Registry()
  const pool = openPool(t, { threads: 1, name: 'of Fastify' })
  t.teardown(registerMetrics(register, { pools: [pool] }))
  const app = fastify()
  t.teardown(() => app.close())
  await app.register(plugin)
  const routes = async (inner) => {
    inner.get(
      '/items/:id',
      inner.offload((_request, task) => heavyLoad(10, task), { pool }),
    )
  }
  await app.register(routes, { prefix: '/api' })
  for (const id of [1, 2]) t.is((await app.inject(`/api/items/${id}`)).statusCode, 200)
  t.deepEqual(await counted(register, pool), { '/api/items/:id completed': 2 })
})

test('map: its tasks are those of the request', async (t) => {
  const register = new Registry()
  const pool = openPool(t, { threads: 1, name: 'of maps' })
  t.teardown(registerMetrics(register, { pools: [pool] }))
  const app = EXPRESS['Express 5']()
  const route = async (_request, task) => {
    const values = []
    for await (const { value } of pool.map(heavyLoad, [1, 2, 3], task)) values.push(value)
    return values
  }
  app.get('/all', offload(route, { pool }))
  const response = await fetch(`${await listen(t, app)}/all`)
  t.deepEqual(await response.json(), [1, 2, 3])
  t.regex(response.headers.get('server-timing'), /queue;dur=/)
  t.deepEqual(await counted(register, pool), { '/all completed': 3 })
})

test('routes that an application makes without end are not told apart without end', async (t) => {
  const register = new Registry()
  const pool = openPool(t, { threads: 1, name: 'of many routes' })
  t.teardown(registerMetrics(register, { pools: [pool] }))
  const app = EXPRESS['Express 5']()
  for (let number = 0; number < 150; number++)
    app.get(
      `/${number}`,
      offload((_request, task) => heavyLoad(1, task), { pool }),
    )
  const url = await listen(t, app)
  for (let number = 0; number < 150; number++) t.is((await fetch(`${url}/${number}`)).status, 200)
  const counts = await counted(register, pool)
  t.is(Object.keys(counts).length, 101)
  t.is(counts['other completed'], 50)
})

test('OpenTelemetry: as http.route', async (t) => {
  const added = []
  const instrumentOf = () => ({
    add: (count, labels) => added.push({ count, labels }),
    record: () => {},
    addCallback: () => {},
    removeCallback: () => {},
  })
  const names = ['Counter', 'Histogram', 'ObservableCounter', 'ObservableGauge', 'ObservableUpDownCounter']
  const meter = Object.fromEntries(names.map((name) => [`create${name}`, instrumentOf]))
  const pool = openPool(t, { threads: 1, name: 'of a meter' })
  t.teardown(instrument(meter, { pools: [pool] }))
  const app = EXPRESS['Express 5']()
  app.get(
    '/items/:id',
    offload((_request, task) => heavyLoad(10, task), { pool }),
  )
  await fetch(`${await listen(t, app)}/items/1`)
  const [{ labels }] = added.filter(
    ({ count, labels }) => count === 1 && labels['heavy_load.pool.name'] === 'of a meter',
  )
  t.is(labels['http.route'], '/items/:id')
})
