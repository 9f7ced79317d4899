/** A plugin for Fastify 5: registered, it gives the instance {@link FastifyInstance.offload}. */

/// <reference types="node" />

import type {
  FastifyBaseLogger,
  FastifyPluginCallback,
  FastifyReply,
  FastifyRequest,
  FastifyTypeProvider,
  FastifyTypeProviderDefault,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerBase,
  RawServerDefault,
  RouteGenericInterface,
} from 'fastify'
import type { OffloadOptions as Options, RequestTask as Task } from './express.js'

declare module 'fastify' {
  // TypeScript merges it with Fastify's only if the parameters are the same.
  interface FastifyInstance<
    RawServer extends RawServerBase = RawServerDefault,
    RawRequest extends RawRequestDefaultExpression<RawServer> = RawRequestDefaultExpression<RawServer>,
    RawReply extends RawReplyDefaultExpression<RawServer> = RawReplyDefaultExpression<RawServer>,
    Logger extends FastifyBaseLogger = FastifyBaseLogger,
    TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault,
  > {
    /**
     * A route handler whose work stops when its client goes away, and whose errors are answered.
     *
     * What `handler` returns is sent by Fastify's own `reply.send`, unless the handler has answered itself (one that answers
     * later returns `reply`, as any of Fastify's): bytes of every sort as they are, `undefined` as 204, a number as JSON; with
     * `Server-Timing: queue;dur=…, run;dur=…` of its tasks, in milliseconds.
     *
     * Errors: ERR_INVALID_*, ERR_OUT_OF_RANGE 400; ERR_OUTPUT_TOO_LARGE 413; ERR_POOL_OVERLOADED 503 with `Retry-After`;
     * ERR_POOL_CLOSED 503; ERR_TASK_TIMEOUT 504; each with `{ error: { code, message } }`. All others are thrown, and so go
     * to Fastify's error handler.
     */
    offload<
      Request = FastifyRequest<RouteGenericInterface, RawServer, RawRequest>,
      Reply = FastifyReply<RouteGenericInterface, RawServer, RawRequest, RawReply>,
    >(
      handler: (
        this: FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>,
        request: Request,
        task: Task,
        reply: Reply,
      ) => unknown,
      options?: Options<Request>,
    ): (this: any, request: Request, reply: Reply) => Promise<any>
  }
}

declare namespace plugin {
  /** The options of a route's tasks; a mistake in one that is no function throws when the route is made. */
  export type OffloadOptions<Request = FastifyRequest> = Options<Request>

  /** The options for the tasks of one request: to be given to each, as they are or copied into others. */
  export type RequestTask = Task

  /**
   * For `fastify.setErrorHandler`: answers heavy-load's errors as `offload` does, and throws all others, for the error
   * handler outside or Fastify's own.
   */
  export function errorHandler(error: any, request: unknown, reply: any): Promise<any>

  export { plugin as default }
}

declare function plugin(...parameters: Parameters<FastifyPluginCallback>): void

export = plugin
