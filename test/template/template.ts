import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { unzipSync } from 'fflate'
import { copyService, newcomersEnvironment } from '../support/service-copy.ts'

/** Parsed JSON of which nothing is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>

export interface Resource {
  readonly Type: string
  readonly Properties: JsonObject
  readonly DeletionPolicy?: unknown
  readonly UpdateReplacePolicy?: unknown
}

/** What `serverless package` makes: the template for CloudFormation, and the names in the zip. */
export interface Package {
  readonly template: JsonObject
  readonly resources: Readonly<Record<string, Resource>>
  readonly zipEntries: readonly string[]
}

const run = promisify(execFile)
const packages = new Map<string, Promise<Package>>()

/**
 * Packages `stage` in a copy of the service, without credentials; once a process for the same arguments.
 * `params` are those of `--param`.
 */
export function packageStage(
  t: TestContext,
  stage: string,
  params: Readonly<Record<string, string>> = {},
): Promise<Package> {
  const args = Object.entries(params).flatMap(([name, value]) => ['--param', `${name}=${value}`])
  const key = [stage, ...args].join(' ')
  const known = packages.get(key) ?? packageNow(copyService(t), stage, args)
  packages.set(key, known)
  return known
}

async function packageNow(cwd: string, stage: string, args: readonly string[]): Promise<Package> {
  // As `npx serverless` does, without npx's own second.
  const serverless = `${cwd}/node_modules/serverless/bin/serverless.js`
  await run(process.execPath, [serverless, 'package', '--stage', stage, ...args], {
    cwd,
    env: newcomersEnvironment(),
  })
  const file = `${cwd}/.serverless/cloudformation-template-update-stack.json`
  const template = objectAt(JSON.parse(readFileSync(file, 'utf8')), 'the template')
  return {
    template,
    resources: readResources(template),
    zipEntries: Object.keys(unzipSync(readFileSync(`${cwd}/.serverless/latchkey.zip`))),
  }
}

function readResources(template: JsonObject): Record<string, Resource> {
  const resources: Record<string, Resource> = {}
  for (const [id, value] of Object.entries(objectAt(template['Resources'], 'Resources'))) {
    const { Type, Properties = {}, ...rest } = objectAt(value, id)
    if (typeof Type !== 'string') throw new TypeError(`${id} has no Type.`)
    resources[id] = { ...rest, Type, Properties: objectAt(Properties, `${id}.Properties`) }
  }
  return resources
}

/** The resources of one type. */
export function resourcesOf(packaged: Package, type: string): readonly Resource[] {
  return Object.values(packaged.resources).filter((resource) => resource.Type === type)
}

/** The properties of the only resource of a type. Throws if there are none or several. */
export function propertiesOf(packaged: Package, type: string): JsonObject {
  const [resource, ...others] = resourcesOf(packaged, type)
  if (resource && others.length === 0) return resource.Properties
  throw new Error(
    `There should be one ${type}, and there are ${others.length + (resource ? 1 : 0)}.`,
  )
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `value`, if it is an object; `name` is for the error. */
export function objectAt(value: unknown, name: string): JsonObject {
  if (isObject(value)) return value
  throw new TypeError(`${name} is no object.`)
}

/** `value`, if it is a list. */
export function listAt(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new TypeError(`${name} is no list.`)
}
