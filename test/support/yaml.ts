import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'

const ROOT = new URL('../../', import.meta.url)

/** Reads a file of this repository. */
export const readText = (path: string) => readFileSync(new URL(path, ROOT), 'utf8')

/** Returns the names in a folder of this repository, in order. */
export const namesIn = (folder: string) => readdirSync(new URL(folder, ROOT)).toSorted()

/**
 * Reads a YAML file of this repository. Fails on any error. CloudFormation's tags are dropped and their values kept:
 * `!Sub a-${B}` is the text `a-${B}`, `!If [a, b, c]` a list of three.
 */
export function readYaml(path: string): unknown {
  const document = parseDocument(readText(path), { logLevel: 'silent' })
  assert.deepEqual(document.errors, [], path)
  return document.toJS()
}

/** Returns the value of a document under the keys, or `undefined`. */
export function at(value: unknown, ...keys: readonly (string | number)[]): unknown {
  return keys.reduce<unknown>(
    (node, key) => (typeof node === 'object' && node !== null ? Reflect.get(node, key) : undefined),
    value,
  )
}

/** Returns the entries of a map, or an empty list if it is absent. Fails on any other value. */
export function entriesOf(value: unknown): [string, unknown][] {
  if (value === undefined || value === null) return []
  assert.ok(typeof value === 'object' && !Array.isArray(value), 'The value is not a map.')
  return Object.entries(value)
}

/** Returns the items of a list. A single value is a list of one item, as in AWS's policies. */
export function itemsOf(value: unknown): unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

/** Returns the items of a list of texts. Fails on an item that is not a text. */
export function textsOf(value: unknown): string[] {
  return itemsOf(value).map((item) => {
    assert.ok(typeof item === 'string', `This is not a text: ${JSON.stringify(item)}`)
    return item
  })
}
