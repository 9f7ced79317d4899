/** Routes for Express 4 and 5, and for plain `node:http`. */

/// <reference types="node" />

import type { IncomingMessage, ServerResponse } from 'node:http'
// @ts-ignore: without @types/express, what is not annotated is `any`.
import type { Request as ExpressRequest, Response as ExpressResponse } from 'express'
import type { Executor, TaskOptions } from './index.js'

/** A value, or what makes it of a request. */
export type OfRequest<Request, T> = T | ((request: Request) => T | undefined)

/** The options of a route's tasks; a mistake in one that is no function throws when the route is made. */
export interface OffloadOptions<Request> {
  /** Budget for queue + run of each task, in milliseconds. */
  timeout?: OfRequest<Request, number> | undefined
  /** Class of its tasks. */
  priority?: OfRequest<Request, 'high' | 'normal' | 'low'> | undefined
  /** Tenant for fair sharing. */
  key?: OfRequest<Request, string> | undefined
  /** Relative share of the key. */
  weight?: OfRequest<Request, number> | undefined
  /** Most threads one task may use at once. */
  maxThreads?: OfRequest<Request, number> | undefined
  /** Where its tasks run. Default: `defaultPool`. */
  pool?: Executor | ((request: Request) => Executor | undefined) | undefined
}

/** The options for the tasks of one request: to be given to each, as they are or copied into others. */
export type RequestTask = Pick<TaskOptions, 'timeout' | 'priority' | 'key' | 'weight' | 'maxThreads' | 'pool'> & {
  /** Aborts when the client goes away before it has its answer. */
  signal: AbortSignal
}

declare const inferred: unique symbol
/**
 * The request of a handler that does not say which: Express's, whose own inference of the path's parameters does not reach in here.
 * Marked, as its route may stand anywhere, also in plain `node:http`; there it is to be annotated, as an IncomingMessage.
 */
export type InferredRequest = ExpressRequest<any> & { readonly [inferred]: true }
/** The response that goes with a request. */
export type ResponseOf<Request> = Request extends ExpressRequest<any> ? ExpressResponse : ServerResponse
/** What {@link offload} gives: a route for the requests of its handler. */
export type OffloadRoute<Request, Response> = (
  request: Request extends InferredRequest ? any : Request,
  response: Request extends InferredRequest ? any : Response,
  next?: (error?: any) => void,
) => Promise<void>

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
export function offload<
  Request extends IncomingMessage = InferredRequest,
  Response extends ServerResponse = ResponseOf<Request>,
>(
  handler: (request: Request, task: RequestTask, response: Response) => unknown,
  options?: OffloadOptions<Request>,
): OffloadRoute<Request, Response>

/** Error-handling middleware that answers heavy-load's errors as {@link offload} does, and passes all others on. */
export function errorHandler(): (
  error: any,
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: any) => void,
) => void
