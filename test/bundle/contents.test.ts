import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { bundleFunction } from '../support/bundled-function.ts'
import { environment } from '../support/handler.ts'

const { metafile, path } = await bundleFunction()

test('the bundle is one file, and of this project it holds only functions/ and lib/', () => {
  assert.equal(Object.keys(metafile.outputs).length, 1)
  const own = Object.keys(metafile.inputs).filter((path) => !path.startsWith('node_modules/'))
  assert.ok(own.includes('functions/auth.ts') && own.includes('lib/users.ts'))
  const strangers = own.filter((path) => !/^(functions|lib|lib\/sdk)\/[a-z-]+\.ts$/.test(path))
  assert.deepEqual(strangers, [])
})

test('the bundle keeps to its budget, blocklist and all', () => {
  // Each KB costs a cold start about 27 µs to compile. DESIGN.md has the parts.
  const [bytes = Number.NaN] = Object.values(metafile.outputs).map((output) => output.bytes)
  assert.ok(bytes <= 130_000, `${bytes} bytes`)
})

test('of packages the bundle holds those that a request reaches, and nothing of the SDK', () => {
  const packages = Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
    .filter((name) => name !== undefined)
  assert.deepEqual([...new Set(packages)].sort(), [
    '@aws-lambda-powertools/commons',
    '@aws-lambda-powertools/logger',
    '@aws-lambda-powertools/metrics',
    '@aws/lambda-invoke-store',
    '@middy/core',
    '@middy/error-logger',
    'bcryptjs',
    'jose',
  ])
})

test("loading the bundle loads nothing of Node's that no start needs", () => {
  const script = `
    require(${JSON.stringify(path)})
    process.stdout.write(JSON.stringify(process.moduleLoadList))`
  const { stdout } = spawnSync(process.execPath, ['--eval', script], {
    env: environment('http://127.0.0.1:9'),
    encoding: 'utf8',
  })
  assert.ok(stdout.includes('"NativeModule https"'))
  for (const costly of ['internal/crypto/webcrypto', 'zlib', 'http2', 'fs/promises', 'os']) {
    assert.ok(!stdout.includes(`"NativeModule ${costly}"`), costly)
  }
})
