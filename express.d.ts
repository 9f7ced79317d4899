/** Routes for Express 4 and 5, and for plain `node:http`. */

/// <reference types="node" />

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Executor, TaskOptions } from './index.js'

/** A value, or what makes it of a request. */
export type OfRequest<Request, T> = T | ((request: Request) => T | undefined)

/** The options of a route's tasks; a mistake in one that is no function throws when the route is made. */
export interface OffloadOptions<Request> {
  /** Budget for queue + run of each task, in milliseconds. */
  timeout?: OfRequest<Request, number>
  /** Class of its tasks. */
  priority?: OfRequest<Request, 'high' | 'normal' | 'low'>
  /** Tenant for fair sharing. */
  key?: OfRequest<Request, string>
  /** Relative share of the key. */
  weight?: OfRequest<Request, number>
  /** Most threads one task may use at once. */
  maxThreads?: OfRequest<Request, number>
  /** Where its tasks run. Default: `defaultPool`. */
  pool?: Executor | ((request: Request) => Executor | undefined)
}

/** The options for the tasks of one request: to be given to each, as they are or copied into others. */
export type RequestTask = Pick<TaskOptions, 'timeout' | 'priority' | 'key' | 'weight' | 'maxThreads' | 'pool'> & {
  /** Aborts when the client goes away before it has its answer. */
  signal: AbortSignal
}

/**
 * A route whose work stops when its client goes away, and whose errors are answered.
 *
 * What `handler` returns is sent, unless it has answered itself: bytes as they are, a string as HTML (unless the
 * handler has set another Content-Type), `undefined` as 204, anything else, numbers included, as JSON; with `Server-Timing:
 * queue;dur=…, run;dur=…` of its tasks, in milliseconds.
 *
 * Errors: ERR_INVALID_*, ERR_OUT_OF_RANGE 400; ERR_OUTPUT_TOO_LARGE 413; ERR_POOL_OVERLOADED 503 with `Retry-After`;
 * ERR_POOL_CLOSED 503; ERR_TASK_TIMEOUT 504; each with `{ error: { code, message } }`. All others go to `next`, or, with plain
 * `node:http`, are answered with 500.
 */
export function offload<Request extends IncomingMessage = any, Response extends ServerResponse = any>(
  handler: (request: Request, task: RequestTask, response: Response) => unknown,
  options?: OffloadOptions<Request>,
): (request: Request, response: Response, next?: (error?: any) => void) => Promise<void>

/** Error-handling middleware that answers heavy-load's errors as {@link offload} does, and passes all others on. */
export function errorHandler(): (
  error: any,
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: any) => void,
) => void
