/**
 * A plugin for Fastify 5: registered, it gives the instance {@link FastifyInstance.offload}. It is there when `register` has been awaited, in
 * the scope in which it was registered and those inside.
 */

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
import type { closeOnSignals as closeAll, OffloadOptions as Options, RequestTask as Task } from './express.js'

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
     * What `handler` returns is sent by Fastify's own `reply.send`, unless the handler has answered itself: bytes of every sort as
     * they are, `undefined` as 204, a number as JSON; a Readable, a web stream, a Blob or a Response as a stream. Objects without a form in
     * JSON (a Map, an iterator) are a TypeError, unless a serializer of the app's has one. Where the handler takes `reply`, `undefined`
     * means that it answers itself, now or later. Every answer that is sent for it, errors too, has `Server-Timing: queue;dur=…, run;dur=…` of its tasks,
     * in milliseconds, if it has called any; what it sends itself has none.
     *
     * Errors of heavy-load's are answered as by `offload` of heavy-load/express. All others are thrown, and so go to Fastify's
     * error handler; with NODE_ENV=production, where Fastify's own would answer with their message, it is the status's instead, unless
     * the error has `expose: true` and a status below 500.
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
      options?: Options<Request, Reply>,
    ): (this: any, request: Request, reply: Reply) => Promise<any>
  }
}

declare namespace plugin {
  /** The options of a route and of its tasks, as those of heavy-load/express; `onError` gets the reply, and what it returns is sent. */
  export type OffloadOptions<Request = FastifyRequest, Reply = FastifyReply> = Options<Request, Reply>

  /** The options for the tasks of one request: to be given to each, as they are or copied into others. */
  export type RequestTask = Task

  /**
   * For `fastify.setErrorHandler`: answers heavy-load's errors as `offload` does, and throws all others, for the error
   * handler outside or Fastify's own.
   */
  export function errorHandler(error: any, request: unknown, reply: any): Promise<any>

  /** That of heavy-load/express. Give it the instance, rather than `app.server`: its `onClose` hooks run only then. */
  export const closeOnSignals: typeof closeAll

  export { plugin as default }
}

declare function plugin(...parameters: Parameters<FastifyPluginCallback>): void

export = plugin
