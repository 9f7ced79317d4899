/** Metrics of pools and their tasks: for Prometheus by prom-client, and for OpenTelemetry. */

import type { PoolStats } from '../index.js'

export interface MetricsOptions {
  /**
   * Whose metrics: Pools, and others that have a name and statistics, of which what they do not have is not shown. Their names, which
   * are the `pool` labels, have to differ. Default: `defaultPool` alone.
   */
  pools?: { readonly name: string; stats(): Partial<PoolStats> }[] | undefined
}

/** prom-client's Registry, as far as it is needed. */
export interface Register {
  registerMetric(metric: any): void
  removeSingleMetric(name: string): void
}

/** OpenTelemetry's Meter, as far as it is needed. */
export interface Meter {
  createCounter(name: string, options?: any): any
  createHistogram(name: string, options?: any): any
  createObservableCounter?(name: string, options?: any): any
  createObservableGauge(name: string, options?: any): any
  createObservableUpDownCounter(name: string, options?: any): any
}

/**
 * Registers collectors with prom-client, which has to be installed. Counts the tasks of this thread from now on; tasks of the
 * AsyncTask forms as those of the pool `libuv`. Any number of scrapers see the same: nothing is reset by being read.
 *
 * - `heavy_load_tasks_total{pool,kernel,route,outcome}`: counter; outcome: completed, failed, cancelled, timed_out, rejected, which
 *   are all there from the start, as 0
 * - `heavy_load_queue_depth{pool}`, `heavy_load_running{pool}`, `heavy_load_threads{pool}`: gauges
 * - `heavy_load_memory_bytes{pool}`: gauge, the working memory of tasks that have begun, as their kernels estimate it
 * - `heavy_load_busy_seconds_total{pool}`: counter, thread time spent in kernels since the pool began; of pools with threads of their own
 * - `heavy_load_utilization_ratio{pool}`: gauge, 0..1, the share of thread time spent in kernels in the last minute, and before that
 *   since the pool began; of pools with threads of their own; the average of the processes of a cluster
 * - `heavy_load_wait_seconds{pool,kernel,route}`, `heavy_load_run_seconds{pool,kernel,route}`: histograms, of tasks that have begun
 * - `heavy_load_event_loop_delay_seconds`, `heavy_load_event_loop_delay_max_seconds`: gauges, the 99th percentile and the maximum in
 *   the last minute, of how late the event loop came to what was due every 10 ms; the largest of the processes of a cluster
 *
 * `route` is there for the tasks of requests whose route `offload` knows, as it was defined: the whole path in Fastify; in Express what
 * the router was given that has it. After a hundred routes, others are `other`.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (two pools of one name, or a registry that has them already), thrown.
 *
 * @returns stops, and removes the collectors: to be called before they are registered again
 */
export function registerMetrics(register: Register, options?: MetricsOptions): () => void

/**
 * The same as OpenTelemetry instruments: `heavy_load.tasks`, `heavy_load.queue.depth`, `heavy_load.running`,
 * `heavy_load.memory`, `heavy_load.threads`, `heavy_load.busy.time`, `heavy_load.utilization`, `heavy_load.wait.duration`,
 * `heavy_load.run.duration`, `heavy_load.event_loop.delay`, `heavy_load.event_loop.delay.max`, with the attributes
 * `heavy_load.pool.name`, `heavy_load.kernel`, `heavy_load.outcome` and `http.route`; durations in seconds.
 *
 * @returns stops
 */
export function instrument(meter: Meter, options?: MetricsOptions): () => void
