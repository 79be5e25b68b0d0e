import { existsSync } from 'node:fs'
import { readConfig } from '../../lib/config.ts'
import { bundle } from '../build/bundle.ts'
import { ignoreClosedPipes } from '../command-line.ts'
import { LOCAL_DATABASE_NAME, type LocalDatabase, openLocalDatabase } from './database.ts'
import { loadLocalEnvironment } from './environment.ts'
import { freePort, readPort } from './port.ts'

/** The part of osls's `Serverless` object that is used here. */
interface Serverless {
  readonly serviceDir: string
  readonly processedInput: { readonly commands: readonly string[] }
  readonly service: {
    readonly provider: {
      readonly stage: string
      readonly compiledCloudFormationTemplate: { readonly Resources: Record<string, Resource> }
    }
    readonly custom: Record<string, object>
    readonly functions: Record<string, { readonly handler: string }>
  }
  readonly classes: { readonly Error: new (message: string, code: string) => Error }
}

/** The part of a CloudFormation resource that is used here. */
interface Resource {
  readonly Type: string
  DependsOn?: string | readonly string[]
  Metadata?: object
}

/** The part of osls's utilities that is used here. */
interface Utils {
  readonly log: { notice(line?: string): void }
}

const HOST = '127.0.0.1'

/** The function of the page at `/`, in the form of serverless.yml. */
const PAGE = {
  name: 'latchkey-local-page',
  handler: 'tools/local/page/serve.handler',
  events: [{ httpApi: 'GET /' }, { httpApi: 'GET /docs/{file}' }],
}

/** The framework's DependsOn repeats a Ref. cfn-lint warns of it, and emulators then reject the template. */
const ACCEPTED = { 'cfn-lint': { config: { ignore_checks: ['W3005'] } } }

/** Replaces the plan of faults in the Data API of the process that owns the database. */
const putFaults = (dataApiUrl: string, plan: string) =>
  fetch(`${dataApiUrl}/faults`, { method: 'PUT', body: plan })

/** Interval of the check that npm is running. */
const PARENT_POLL_MILLISECONDS = 500

/** Stops this process after npm: a SIGTERM to npm reaches npm alone. On Windows a parent's id never changes. */
function stopWithParent(): void {
  const { ppid } = process
  if (process.env['npm_lifecycle_event'] === undefined) return
  setInterval(() => {
    if (process.ppid !== ppid) process.kill(process.pid, 'SIGTERM')
  }, PARENT_POLL_MILLISECONDS).unref()
}

/**
 * The Serverless plugin of this service. It bundles the functions wherever osls needs it, and at the stage
 * `local` gives `invoke local` and `offline start` a database and an environment.
 */
// biome-ignore lint/style/noDefaultExport: the framework loads a plugin as a default export.
export default class LatchkeyPlugin {
  readonly #serverless: Serverless
  readonly #log: Utils['log']
  #database: LocalDatabase | undefined
  #url = ''

  readonly hooks = {
    initialize: () => this.#prepareEnvironment(),
    'before:package:createDeploymentArtifacts': () => this.#bundle(),
    'before:package:finalize': () => this.#orderRoutes(),
    'before:invoke:local:invoke': () => this.#start({ share: false }),
    'after:invoke:local:invoke': () => this.#stop(),
    'before:offline:start': () => this.#rejectBareOffline(),
    'before:offline:start:init': () => this.#startEndpoint(),
    'after:offline:start:init': () => this.#announceEndpoint(),
    'before:offline:start:end': () => this.#stop(),
    'before:deploy:deploy': () => this.#rejectLocalDeployment(),
    error: () => this.#stop(),
  }

  constructor(serverless: Serverless, _options: unknown, { log }: Utils) {
    this.#serverless = serverless
    this.#log = log
    ignoreClosedPipes()
  }

  get #isLocal(): boolean {
    return this.#serverless.service.provider.stage === 'local'
  }

  get #localFolder(): string {
    return `${this.#serverless.serviceDir}/.local`
  }

  #prepareEnvironment(): void {
    if (!this.#isLocal) return
    loadLocalEnvironment({
      envFile: `${this.#serverless.serviceDir}/.env`,
      localFolder: this.#localFolder,
      // An endpoint logs each request; a command's output would be lost among them.
      logLevel: this.#serverless.processedInput.commands[0] === 'offline' ? 'INFO' : 'WARN',
    })
  }

  /** Bundles functions/NAME.ts for each function whose handler is .build/NAME.EXPORT. */
  async #bundle(): Promise<void> {
    const { service, serviceDir } = this.#serverless
    const entryPoints = Object.entries(service.functions).map(([name, { handler }]) => {
      const [, file = ''] = /^\.build\/([\w-]+)\.\w+$/.exec(handler) ?? []
      const path = `functions/${file}.ts`
      if (existsSync(`${serviceDir}/${path}`)) return path
      throw this.#error(
        `The function "${name}" has the handler "${handler}": it must be .build/NAME.handler, of a file functions/NAME.ts.`,
      )
    })
    await bundle(undefined, entryPoints)
  }

  /** Makes the API's stage depend on every route: CloudFormation rejects limits of a route that is missing. */
  #orderRoutes(): void {
    const { Resources } = this.#serverless.service.provider.compiledCloudFormationTemplate
    const ofType = (type: string) =>
      Object.entries(Resources).filter(([, { Type }]) => Type === `AWS::ApiGatewayV2::${type}`)
    const routes = ofType('Route')
    for (const [, stage] of ofType('Stage')) {
      stage.DependsOn = [stage.DependsOn ?? [], routes.map(([id]) => id)].flat(2)
    }
    for (const [, resource] of [...ofType('Stage'), ...routes]) resource.Metadata = ACCEPTED
  }

  async #start({ share }: { readonly share: boolean }): Promise<void> {
    await this.#bundle()
    if (!this.#isLocal) return
    await this.#clearly(async () => {
      // An invalid variable is reported now, and not by the first request.
      readConfig(process.env)
      const faults = process.env['DATA_API_FAULTS']?.trim()
      this.#database = await openLocalDatabase({
        folder: this.#localFolder,
        databaseUrl: process.env['DATABASE_URL'],
        databaseName: LOCAL_DATABASE_NAME,
        appSecretArn: process.env['DB_SECRET_ARN'],
        share,
        say: (line) => this.#log.notice(line),
      })
      const { url, accessKeyId } = this.#database.dataApi
      process.env['AWS_ENDPOINT_URL_RDS_DATA'] = url
      process.env['AWS_ACCESS_KEY_ID'] = accessKeyId
      if (faults) {
        const response = await putFaults(url, faults)
        if (!response.ok) throw new Error(`DATA_API_FAULTS is wrong: ${await response.text()}`)
        this.#log.notice(`Faults of the next calls of the database: ${faults}`)
      }
    })
  }

  async #startEndpoint(): Promise<void> {
    stopWithParent()
    const httpPort = await this.#clearly(() => freePort(HOST, readPort(process.env['PORT'])))
    const { custom } = this.#serverless.service
    // serverless-offline also opens a port for the Lambda API, which nothing here uses: any free one.
    const settings = { ...custom['serverless-offline'], host: HOST, httpPort, lambdaPort: 0 }
    custom['serverless-offline'] = settings
    this.#url = `http://localhost:${httpPort}`
    await this.#start({ share: true })
    // Only `offline start` comes here, so the page reaches neither the zip nor a template.
    Object.assign(this.#serverless.service.functions, { page: PAGE })
  }

  #announceEndpoint(): void {
    const { url, accessKeyId } = this.#database?.dataApi ?? {}
    this.#log.notice(`
Try the API at ${this.#url}/ until Ctrl-C, or sign up with curl:

curl -i ${this.#url}/auth/sign-up -H 'content-type: application/json' -d '{"username":"gary","password":"correct horse battery"}'

Call its database as a client of the RDS Data API does, such as the AWS CLI, with these variables:

AWS_ENDPOINT_URL_RDS_DATA=${url} AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=local AWS_REGION=eu-central-1

Make the next calls of its database fail: curl -X PUT ${url}/faults -d resuming:3
`)
  }

  /** Without `start`, serverless-offline has no hook in which the database could be closed. */
  #rejectBareOffline(): never {
    throw this.#error('Use npm start, or serverless offline start.')
  }

  #rejectLocalDeployment(): void {
    if (!this.#isLocal) return
    throw this.#error(
      'The stage "local" is for this machine only. Name the stage to deploy: serverless deploy --stage dev',
    )
  }

  async #stop(): Promise<void> {
    const database = this.#database
    this.#database = undefined
    // A borrowed database goes on without this process's faults. Its owner may have stopped already.
    if (database && process.env['DATA_API_FAULTS']) {
      await putFaults(database.dataApi.url, '').catch(() => {})
    }
    await database?.close()
  }

  /** Runs `work`, and shows an error's message without osls's page on bug reports. */
  async #clearly<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw this.#error(error instanceof Error ? error.message : String(error))
    }
  }

  readonly #error = (message: string) =>
    new this.#serverless.classes.Error(message, 'LATCHKEY_LOCAL')
}
