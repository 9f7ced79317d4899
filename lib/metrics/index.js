'use strict'

/** Metrics of pools and their tasks: for Prometheus by prom-client, and for OpenTelemetry. */

const { instrument } = require('./opentelemetry.js')
const { registerMetrics } = require('./prometheus.js')

module.exports = { instrument, registerMetrics }
