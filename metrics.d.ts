/** Metrics of pools and their tasks: for Prometheus by prom-client, and for OpenTelemetry. */

import type { Pool } from './index.js'

export interface MetricsOptions {
  /** Whose metrics; their names, which are the `pool` labels, have to differ. Default: `defaultPool` alone. */
  pools?: Pool[] | undefined
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
  createObservableGauge(name: string, options?: any): any
  createObservableUpDownCounter(name: string, options?: any): any
}

/**
 * Registers collectors with prom-client, which has to be installed. Counts the tasks of this thread from now on; tasks of the
 * AsyncTask forms as those of the pool `libuv`.
 *
 * - `heavy_load_tasks_total{pool,kernel,outcome}`: counter; outcome: completed, failed, cancelled, timed_out, rejected
 * - `heavy_load_queue_depth{pool}`, `heavy_load_running{pool}`, `heavy_load_threads{pool}`: gauges
 * - `heavy_load_memory_bytes{pool}`: gauge, the working memory of tasks that have begun, as their kernels estimate it
 * - `heavy_load_utilization_ratio{pool}`: gauge, 0..1, since the last collection
 * - `heavy_load_wait_seconds{pool,kernel}`, `heavy_load_run_seconds{pool,kernel}`: histograms, of tasks that have begun
 * - `heavy_load_event_loop_delay_seconds`: gauge, the 99th percentile since the last collection
 *
 * @returns stops, and removes the collectors
 */
export function registerMetrics(register: Register, options?: MetricsOptions): () => void

/**
 * The same as OpenTelemetry instruments: `heavy_load.tasks`, `heavy_load.queue.depth`, `heavy_load.running`,
 * `heavy_load.memory`, `heavy_load.threads`, `heavy_load.utilization`, `heavy_load.wait.duration`, `heavy_load.run.duration`,
 * `heavy_load.event_loop.delay`, with the attributes `heavy_load.pool.name`, `heavy_load.kernel` and `heavy_load.outcome`;
 * durations in seconds.
 *
 * @returns stops
 */
export function instrument(meter: Meter, options?: MetricsOptions): () => void
