import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOptions } from './options.ts'

test('without arguments it is a full run, and --quick takes fewer rounds of everything', () => {
  const full = readOptions([])
  assert.deepEqual([full.json, full.write, full.users], [false, false, 1_000_000])
  const quick = readOptions(['--quick', '--json'])
  assert.equal(quick.json, true)
  assert.ok(quick.users < full.users)
  const more = Object.entries(full.rounds)
  const fewer = new Map(Object.entries(quick.rounds))
  for (const [name, count] of more) assert.ok(count > (fewer.get(name) ?? count), name)
})

test('--users takes a whole number and nothing else', () => {
  assert.equal(readOptions(['--users', '10000000']).users, 10_000_000)
  for (const wrong of ['0', '1e6', '-1', '1.5', '', '9999999999']) {
    assert.throws(() => readOptions([`--users=${wrong}`]), /whole number from 1/)
  }
})

test('an unknown argument is an error, and so are figures of a quick run for README', () => {
  assert.throws(() => readOptions(['--josn']), /--josn/)
  assert.throws(() => readOptions(['--write', '--quick']), /leave --quick out/)
})
