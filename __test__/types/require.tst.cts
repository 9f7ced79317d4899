// `require`, as TypeScript writes it in CommonJS.
import all = require('heavy-load')
import fastify = require('heavy-load/fastify')

import { expect, test } from 'tstyche'

test('require', () => {
  expect(all.hash).type.toBe<typeof import('heavy-load').hash>()
  expect(new all.Pool().threads).type.toBe<number>()
  expect(fastify.errorHandler).type.toBeCallableWith(new Error('any'), {}, {})
})
