import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'

const ROOT = new URL('../../', import.meta.url)

/** The text of a file of this repository. */
export const readText = (path: string) => readFileSync(new URL(path, ROOT), 'utf8')

/** The names in a folder of this repository, in order. */
export const namesIn = (folder: string) => readdirSync(new URL(folder, ROOT)).toSorted()

/**
 * A YAML file of this repository. Fails on any error. CloudFormation's tags are dropped and what they
 * stand before is kept: `!Sub a-${B}` is the text `a-${B}`, `!If [a, b, c]` a list of three.
 */
export function readYaml(path: string): unknown {
  const document = parseDocument(readText(path), { logLevel: 'silent' })
  assert.deepEqual(document.errors, [], path)
  return document.toJS()
}

/** What a document has under the keys; `undefined` where it has nothing. */
export function at(value: unknown, ...keys: readonly (string | number)[]): unknown {
  return keys.reduce<unknown>(
    (node, key) => (typeof node === 'object' && node !== null ? Reflect.get(node, key) : undefined),
    value,
  )
}

/** The entries of a map; none where there is nothing. Fails on anything else. */
export function entriesOf(value: unknown): [string, unknown][] {
  if (value === undefined || value === null) return []
  assert.ok(typeof value === 'object' && !Array.isArray(value), 'This is no map.')
  return Object.entries(value)
}

/** The items of a list, or the one item where there is no list: what AWS's policies allow. */
export function itemsOf(value: unknown): unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

/** The items of a list of texts. Fails on any that is none. */
export function textsOf(value: unknown): string[] {
  return itemsOf(value).map((item) => {
    assert.ok(typeof item === 'string', `This is no text: ${JSON.stringify(item)}`)
    return item
  })
}
