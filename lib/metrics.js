'use strict'

/** Metrics of pools and their tasks: for Prometheus by prom-client, and for OpenTelemetry. */

const { instrument } = require('./metrics/opentelemetry.js')
const { registerMetrics } = require('./metrics/prometheus.js')

module.exports = { instrument, registerMetrics }
