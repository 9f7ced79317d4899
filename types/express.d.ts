/** Routes for Express 4 and 5, and for plain `node:http`. */

/// <reference types="node" />

import type { IncomingMessage, ServerResponse } from 'node:http'
// @ts-ignore: without @types/express, what is not annotated is `any`.
import type { Request as ExpressRequest, Response as ExpressResponse } from 'express'
import type { Executor, TaskOptions } from '../index.js'

/** A value, or what makes it of a request. */
export type OfRequest<Request, T> = T | ((request: Request) => T | undefined)

/**
 * The options of a route and of its tasks. A mistake throws when the route is made, unless it is what a function gives; so does one in
 * HEAVY_LOAD_THREADS, where the tasks run on the default pool.
 */
export interface OffloadOptions<Request, Response = any> {
  /**
   * Budget of the request, in milliseconds: tasks one after the other get what is left of it. Past it no task begins any more
   * (ERR_TASK_TIMEOUT).
   */
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
  /**
   * Answers whatever the handler throws, but where the client has gone: heavy-load answers nothing itself then. Errors of heavy-load's that it would
   * have answered have `status`, and `retryAfter` (seconds, at most 60) where there is one. It has to answer or to call `next`:
   * what it returns is not sent (with heavy-load/fastify it is). What it throws goes to `next`, unless it has called that.
   */
  onError?: ((error: any, request: Request, response: Response, next: (error?: unknown) => void) => unknown) | undefined
  /**
   * 'next' hands errors of heavy-load's on to the app's error handler, with `status` set (and `retryAfter`, and `headers` with Retry-After); with
   * plain `node:http`, where there is none, they are answered all the same. Default 'answer'.
   */
  errors?: 'answer' | 'next' | undefined
}

/** The options for the tasks of one request: to be given to each, as they are or copied into others. */
export type RequestTask = Pick<TaskOptions, 'priority' | 'key' | 'weight' | 'maxThreads' | 'pool'> & {
  /** Aborts when the client goes away before it has its answer. */
  signal: AbortSignal
  /** What is left of the route's, whole milliseconds > 0; once nothing is left, reading it throws ERR_TASK_TIMEOUT. */
  readonly timeout?: number
}

// biome-ignore lint/complexity/noUselessEmptyExport: without it a declaration file exports all that it declares, and this is a type's alone.
export {}

declare const inferred: unique symbol
/**
 * The request of a handler that does not say which: Express's. The path's parameters, which Express infers where a handler stands in the route
 * itself, are strings here (but a wildcard of Express 5 is an array of them).
 * Marked, as its route may stand anywhere, also in plain `node:http`; there it is to be annotated, as an IncomingMessage.
 */
export type InferredRequest = ExpressRequest<Record<string, string>> & { readonly [inferred]: true }
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
 * What `handler` returns is sent, unless it has answered itself: bytes as they are (typed arrays too, in the machine's byte order), a
 * string as text, `undefined` as 204; a Readable, a web stream, a Blob or a Response as a stream, which ends with its client, and is cut off
 * (a TypeError) where it is not as long as its Content-Length;
 * anything else, numbers included, as JSON, with Express by `res.json`. Objects without a form in JSON (a Map, an iterator) are a TypeError, also
 * inside others. Promises in an array are awaited; an Error is as one that is thrown.
 * Where the handler takes `response`, `undefined` (or `response` itself) means that it answers itself, now or later; where it takes `next`,
 * that hands the request on. Every answer that is sent for it, errors too, has `Server-Timing: queue;dur=…, run;dur=…` of its tasks, in milliseconds, if it
 * has called any; what it sends itself has none. Bodies of more than 1 MiB get no ETag: it would be computed on the event loop.
 *
 * Errors of heavy-load's: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE and ERR_OUT_OF_RANGE of a kernel's input or of its own options, and
 * ERR_INVALID_DATA 400, as far as a client can have caused them; ERR_OUTPUT_TOO_LARGE 413; ERR_POOL_OVERLOADED 503, with `Retry-After` of 1 to 60 s if another try may help;
 * ERR_POOL_CLOSED, ERR_OUT_OF_MEMORY, ERR_REMOTE 503; ERR_TASK_TIMEOUT, and a task ended by an AbortSignal.timeout(), 504; each with
 * `{ error: { code, message } }`, whose message, with NODE_ENV=production, is the status's with 5xx and without the value that was received
 * with 400. ERR_REMOTE, ERR_OUT_OF_MEMORY and ERR_POOL_CLOSED are logged, each once a minute. All others, those of others with the
 * same codes included, go to `next` as they are, or, with plain `node:http`, are answered with 500.
 */
export function offload<
  Request extends IncomingMessage = InferredRequest,
  Response extends ServerResponse = ResponseOf<Request>,
>(
  handler: (request: Request, task: RequestTask, response: Response, next: (error?: unknown) => void) => unknown,
  options?: OffloadOptions<Request, Response>,
): OffloadRoute<Request, Response>

/** Error-handling middleware that answers heavy-load's errors as {@link offload} does, and passes all others on. */
export function errorHandler(): (
  error: any,
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: any) => void,
) => void

/** What {@link closeOnSignals} closes after the server: pools, local and remote. */
export interface ClosablePool {
  close(options?: { timeout?: number }): Promise<void>
}

/** How long {@link closeOnSignals} takes at most: whole milliseconds, to be less than what ends the process by force waits. */
export interface ClosingOptions {
  /** For all of it; then the tasks that are left are cancelled. Default 9000: Docker waits for 10 s, Kubernetes for 30 s. */
  timeout?: number | undefined
  /** For the requests that are under way, of that time; then they are cut off. Default: a second less than `timeout`, or half of it if that is more. */
  answerTimeout?: number | undefined
}

/**
 * At SIGTERM or SIGINT: `server` takes no more connections and answers what it has been asked; then the pools close (RemotePools too, which
 * would keep the process alive), and a parent's channel (cluster, PM2). Who has no answer after 8 s is cut off; tasks are cancelled
 * after 9 s. A second signal ends the process at once. `server`: Node's own, which the app may have begun to close itself; of Fastify the
 * instance, since its `onClose` hooks run only then. Resolves when all has ended.
 *
 * Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, thrown.
 */
export function closeOnSignals(server: { close(callback?: any): unknown }, ...pools: ClosablePool[]): Promise<void>
export function closeOnSignals(
  server: { close(callback?: any): unknown },
  ...poolsAndOptions: [...pools: ClosablePool[], options: ClosingOptions]
): Promise<void>
