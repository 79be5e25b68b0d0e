import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkParams, deployedParams, readParams } from './params.ts'

test('values of --param are read as the framework reads them', () => {
  assert.deepEqual(readParams(['a=1', 'b=c=d', 'a=2 ']), { a: '2', b: 'c=d' })
  for (const text of ['domain', 'domain=', '=x', 'domain= ']) {
    assert.throws(() => readParams([text]), /name=value/, text)
  }
})

const template = (...Params: readonly string[]) => ({ Metadata: { Params } })
const DOMAIN = template('domain=auth.example.com', 'bcryptCost=11')
const ROW = { domain: '', bcryptCost: '12', reservedConcurrency: 20, deletionProtection: false }

/** Returns the names that the error of a deployment gives to --reset-params, or '' without an error. */
function undoneBy(
  deployed: unknown,
  given: Readonly<Record<string, string>> = {},
  reset: readonly string[] = [''],
  row: object = ROW,
): string {
  try {
    checkParams(deployed, { settings: { ...row, ...given }, given, reset })
    return ''
  } catch (error) {
    return /(?<=--reset-params )\S+/.exec(String(error))?.[0] ?? String(error)
  }
}

test('a parameter of the last deployment is not undone, unless the command line names it', () => {
  assert.equal(undoneBy(DOMAIN), 'domain,bcryptCost')
  assert.equal(undoneBy(DOMAIN, { domain: 'id.example.com' }), 'bcryptCost')
  assert.equal(undoneBy(DOMAIN, { bcryptCost: '11' }, ['domain']), '')
  assert.equal(undoneBy(DOMAIN, {}, ['bcryptCost', 'domain', 'signing']), '')
  const [set, numeric] = [template('jwtAudience=shop'), template('reservedConcurrency=50')]
  assert.deepEqual([undoneBy(set), undoneBy(numeric)], ['jwtAudience', 'reservedConcurrency'])
})

test('a parameter that the row has too, and an edited row, pass', () => {
  const row = { ...ROW, domain: 'auth.example.com', bcryptCost: 11 }
  assert.equal(undoneBy(DOMAIN, {}, [], row), '')
  assert.equal(undoneBy(template('deletionProtection=false', 'reservedConcurrency=20')), '')
  for (const empty of [{ Metadata: { Params: '' } }, template()]) assert.equal(undoneBy(empty), '')
})

test('without a function there is nothing to undo', () => {
  const bucket = { Resources: { bucket: { Type: 'AWS::S3::Bucket' } } }
  for (const none of [undefined, null, {}, bucket]) assert.deepEqual(deployedParams(none), {})
})
