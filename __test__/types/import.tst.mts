// The default import is all of the package, as Node.js gives a CommonJS module to ES modules.
import all, { type hash } from 'heavy-load'
import fastify from 'heavy-load/fastify'
import { expect, test } from 'tstyche'

test('import', () => {
  expect(all.hash).type.toBe<typeof hash>()
  expect(new all.Pool().threads).type.toBe<number>()
  expect(fastify.errorHandler).type.toBeCallableWith(new Error('any'), {}, {})
})
