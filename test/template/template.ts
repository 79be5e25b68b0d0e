import { execFile } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { unzipSync } from 'fflate'
import { copyService, newcomersEnvironment } from '../support/service-copy.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** A map of unknown values. */
type JsonObject = Readonly<Record<string, unknown>>

export interface Resource {
  readonly Type: string
  readonly Properties: JsonObject
  readonly DependsOn?: string | readonly string[]
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
}

/** The output of `serverless package`: CloudFormation's template, the names in the zip, `provider` of serverless.yml. */
export interface Package {
  readonly template: JsonObject & { readonly Resources: Readonly<Record<string, Resource>> }
  readonly zipEntries: readonly string[]
  readonly provider: JsonObject
}

const run = promisify(execFile)
const SERVERLESS = fileURLToPath(
  new URL('../../node_modules/serverless/bin/serverless.js', import.meta.url),
)
const packages = new Map<string, Promise<Package>>()

/**
 * Packages `stage` in a copy of the service, without credentials; once per process for the same arguments.
 * `params` are those of `--param`.
 */
export function packageStage(
  t: TestContext,
  stage: string,
  params: Readonly<Record<string, string>> = {},
): Promise<Package> {
  const args = Object.entries(params).flatMap(([name, value]) => ['--param', `${name}=${value}`])
  const key = [stage, ...args].join(' ')
  const known = packages.get(key) ?? packageIn(copyService(t), stage, args)
  packages.set(key, known)
  return known
}

/** Packages the example with that configuration, for the stage dev. */
export const packageExample = (t: TestContext, config: string): Promise<Package> =>
  packageIn(`${copyService(t)}/examples/protected-api`, 'dev', ['--config', config])

/** Packages the service in that folder. */
export async function packageIn(
  cwd: string,
  stage: string,
  args: readonly string[] = [],
): Promise<Package> {
  // As `npx serverless` does, without npx's own second.
  await run(process.execPath, [SERVERLESS, 'package', '--stage', stage, ...args], {
    cwd,
    env: newcomersEnvironment(),
  })
  const read = (name: string) => JSON.parse(readFileSync(`${cwd}/.serverless/${name}.json`, 'utf8'))
  const template: Package['template'] = read('cloudformation-template-update-stack')
  const [archive = ''] = globSync(`${cwd}/.serverless/*.zip`)
  const zip = unzipSync(readFileSync(archive))
  const { provider } = read('serverless-state').service
  return { template, zipEntries: Object.keys(zip), provider }
}

/** Reason that templates cannot be linted here; `false` if they can. */
const NO_CFN_LINT = await run('cfn-lint', ['--version']).then(
  () => false,
  () => 'cfn-lint is not present',
)

/**
 * Lints a template where cfn-lint is present, as in CI: types, properties, attributes and values against AWS's
 * resource specification, and every reference within the template.
 */
export const lintTemplate = (t: TestContext, { template }: Package): Promise<void> =>
  t.test('cfn-lint', { skip: NO_CFN_LINT }, async (t) => {
    const file = `${temporaryFolder(t)}/template.json`
    writeFileSync(file, JSON.stringify(template))
    await run('cfn-lint', [file])
  })

/** The resources of one type. */
export const resourcesOf = ({ template }: Package, type: string): readonly Resource[] =>
  Object.values(template.Resources).filter(({ Type }) => Type === type)

/** The properties of the only resource of a type. Throws if there are none or several. */
export function propertiesOf(packaged: Package, type: string): JsonObject {
  const [resource, ...others] = resourcesOf(packaged, type)
  if (resource && others.length === 0) return resource.Properties
  throw new Error(`There should be one ${type}.`)
}
