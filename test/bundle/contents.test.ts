import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bundleFunction } from '../support/bundled-function.ts'

const { metafile } = await bundleFunction()
const inputs = Object.entries(Object.values(metafile.outputs)[0]?.inputs ?? {})
  .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  .map(([path]) => path)

test('the bundle is one file, and of this project it has only functions/ and lib/', () => {
  assert.equal(Object.keys(metafile.outputs).length, 1)
  const own = Object.keys(metafile.inputs).filter((path) => !path.startsWith('node_modules/'))
  assert.ok(own.includes('functions/auth.ts') && own.includes('lib/adapters/user-store.ts'))
  const others = own.filter((path) => !/^(functions|lib(\/[a-z]+)?)\/[a-z-]+\.ts$/.test(path))
  assert.deepEqual(others, [])
})

test('the bundle is at most 465 KB', () => {
  const bytes = Object.values(metafile.outputs)[0]?.bytes ?? Number.NaN
  assert.ok(bytes <= 465_000, `${bytes} bytes`)
})

test('the bundle has these packages, and the AWS SDK with its dependencies', () => {
  const packages = inputs
    .map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
    .filter((name) => name !== undefined && !/^@(aws-sdk|smithy)\//.test(name))
  assert.equal(
    [...new Set(packages)].sort().join(' '),
    '@aws-lambda-powertools/commons @aws-lambda-powertools/logger @aws-lambda-powertools/metrics @aws/lambda-invoke-store @middy/core @middy/error-logger bcryptjs jose',
  )
})

test('the bundle has the AWS SDK from npm, not from the runtime', () => {
  for (const client of ['client-rds-data', 'client-secrets-manager']) {
    assert.match(inputs.join(), new RegExp(`node_modules/@aws-sdk/${client}/`))
  }
})
