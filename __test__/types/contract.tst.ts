// The declarations promise all that the contract does.
import type * as all from 'heavy-load'
import type * as compression from 'heavy-load/compression'
import type * as data from 'heavy-load/data'
import type * as image from 'heavy-load/image'
import type * as passwords from 'heavy-load/passwords'
import type { RemotePool } from 'heavy-load/remote'
import type * as text from 'heavy-load/text'
import { expect, test } from 'tstyche'
import type * as contract from './contract.js'

type Contract = typeof contract
type OfPasswords = 'hashPassword' | 'verifyPassword' | 'needsRehash'
type OfCompression = 'compress' | 'decompress'
type OfImage = 'resizeImage' | 'imageInfo'
type OfText =
  | 'countTokens'
  | 'truncateToTokens'
  | 'renderMarkdown'
  | 'sanitizeHtml'
  | 'htmlToMarkdown'
  | 'matchText'
  | 'replaceText'
type OfData = 'convertTable' | 'queryJson' | 'topK'

test('of the package', () => {
  type OfPacks = OfPasswords | OfCompression | OfImage | OfText | OfData
  // In an ES module a CommonJS one has a default export: all of it once more.
  expect<typeof all>().type.toBeAssignableTo<Omit<Contract, OfPacks | 'HeavyLoadError' | 'default'>>()
  // Errors are made by the package: what their constructor takes is its own matter.
  expect<all.HeavyLoadError>().type.toBeAssignableTo<contract.HeavyLoadError>()
})

test('of the packs', () => {
  expect<typeof passwords>().type.toBeAssignableTo<Pick<Contract, OfPasswords>>()
  expect<typeof compression>().type.toBeAssignableTo<Pick<Contract, OfCompression>>()
  expect<typeof image>().type.toBeAssignableTo<Pick<Contract, OfImage>>()
  expect<typeof text>().type.toBeAssignableTo<Pick<Contract, OfText>>()
  expect<typeof data>().type.toBeAssignableTo<Pick<Contract, OfData>>()
})

test('of pools, and of what they tell', () => {
  expect<all.Pool>().type.toBeAssignableTo<contract.Pool>()
  expect<RemotePool>().type.toBeAssignableTo<contract.Executor>()
  expect<all.PoolStats>().type.toBeAssignableTo<contract.PoolStats>()
})

test('options that keep to it are taken', () => {
  expect<contract.TaskOptions>().type.toBeAssignableTo<all.TaskOptions>()
  expect<contract.PoolOptions>().type.toBeAssignableTo<all.PoolOptions>()
  expect<contract.Bytes>().type.toBeAssignableTo<all.Bytes>()
  expect<contract.NumericView>().type.toBeAssignableTo<all.NumericView>()
})
