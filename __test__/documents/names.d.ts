// Names that code blocks of documents use without saying where they are from: what the package exports, and what a reader's app has. `names.mjs` has
// them when blocks are run.
import type * as api from 'heavy-load'
import type * as web from 'heavy-load/express'
import type * as passwords from 'heavy-load/passwords'

declare global {
  const defaultPool: typeof api.defaultPool
  const freeze: typeof api.freeze
  const hash: typeof api.hash
  const heavyLoad: typeof api.heavyLoad
  const loadFunctions: typeof api.loadFunctions
  const loadKernels: typeof api.loadKernels
  const Pool: typeof api.Pool
  const sort: typeof api.sort
  const spin: typeof api.spin
  const compress: typeof import('heavy-load/compression').compress
  const decompress: typeof import('heavy-load/compression').decompress
  const sharp: typeof import('sharp')
  const RemotePool: typeof import('heavy-load/remote').RemotePool
  const closeOnSignals: typeof web.closeOnSignals
  const errorHandler: typeof web.errorHandler
  const offload: typeof web.offload
  const hashPassword: typeof passwords.hashPassword
  const needsRehash: typeof passwords.needsRehash
  const verifyPassword: typeof passwords.verifyPassword

  /** An Express app, or a Fastify instance. */
  const app: any
  const express: any
  const server: import('node:http').Server
  const pool: api.Pool
  const reports: api.Pool
  const remote: api.Executor
  const signal: AbortSignal
  const controller: AbortController

  /** A JPEG. */
  const upload: Buffer<ArrayBuffer>
  const body: Buffer<ArrayBuffer>
  const report: Buffer<ArrayBuffer>
  const image: Buffer<ArrayBuffer>
  const onProgress: (fraction: number) => void
  const database: any
  const password: string
  const key: string
  const inputs: number[]
  const users: {
    find(name: string): Promise<{ id: number; name: string; hash: string } | undefined>
    update(user: unknown, change: { hash: string }): Promise<void>
  }
}
