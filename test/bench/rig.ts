import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { build, stop } from 'esbuild'
import { BUNDLING, bundle } from '../../tools/build/bundle.ts'
import type { Engine } from '../../tools/local/data-api/engine.ts'
import { openPglite } from '../../tools/local/data-api/pglite-engine.ts'
import { connectPostgres } from '../../tools/local/data-api/postgres-engine.ts'
import { serveDatabase } from '../support/database.ts'
import { environment, JWT_SECRET } from '../support/handler.ts'
import { serveHttp } from '../support/http-endpoint.ts'
import { type CleanUps, temporaryDatabase } from '../support/temporary-database.ts'
import type { FloorRequest } from './handler-process.ts'

/** bcrypt's cost factor in the bench: the function's default. */
export const COST = 12

/** What all measurements share. */
export type Rig = Awaited<ReturnType<typeof setUp>>

/** Bundles the function and the floors, and opens a database behind a local Data API in this process. */
export async function setUp(cleanUps: CleanUps) {
  const folder = await mkdtemp(`${tmpdir()}/latchkey-bench-`)
  cleanUps.after(() => rm(folder, { recursive: true }))
  await bundle(`${folder}/function`)
  // Bundled too, so that no process under measurement compiles TypeScript.
  const names = ['floor-handler', 'floor-with-hash', 'handler-child', 'start-child']
  await build({
    ...BUNDLING,
    entryPoints: names.map((name) => `${import.meta.dirname}/${name}.ts`),
    outdir: folder,
    logOverride: { 'empty-import-meta': 'silent' }, // In test/support/handler.ts, in a function not called here.
  })
  await stop() // esbuild's own process.

  const databaseUrl = process.env['DATABASE_URL'] ? await temporaryDatabase(cleanUps) : undefined
  const engine = await (databaseUrl ? connectPostgres(databaseUrl) : openPglite())
  const dataApi = await serveDatabase(engine)
  cleanUps.after(dataApi.close)
  const secrets = await serveHttp(cleanUps, () => json({ SecretString: JWT_SECRET }))
  return {
    /** CommonJS files: the function as it is packaged, the floors, and the programs that load them. */
    paths: {
      bundle: `${folder}/function/auth.cjs`,
      floor: `${folder}/floor-handler.cjs`,
      floorWithHash: `${folder}/floor-with-hash.cjs`,
      handlerChild: `${folder}/handler-child.cjs`,
      startChild: `${folder}/start-child.cjs`,
    },
    /** The environment of a function's process, as on AWS: its key in a secret, its log and metrics on. */
    env: functionEnvironment(dataApi.url, secrets.url),
    query: (sql: string) => queryOnce(engine, sql),
    database: `${databaseUrl ? 'PostgreSQL' : 'PGlite'} ${await serverVersion(engine)}`,
    hasServer: databaseUrl !== undefined,
    cleanUps,
  }
}

async function queryOnce(engine: Engine, sql: string) {
  const session = await engine.session()
  return (await session.query(sql).finally(session.release)).rows
}

async function serverVersion(engine: Engine): Promise<string> {
  const sql = "SELECT split_part(current_setting('server_version'), ' ', 1)"
  return (await queryOnce(engine, sql))[0]?.[0] ?? 'of unknown version'
}

function functionEnvironment(dataApiUrl: string, secretsUrl: string): Record<string, string> {
  const {
    JWT_SECRET: _,
    POWERTOOLS_LOG_LEVEL: __,
    POWERTOOLS_METRICS_DISABLED: ___,
    ...shared
  } = environment(dataApiUrl)
  return {
    ...shared,
    BCRYPT_COST: String(COST),
    JWT_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:jwt',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsUrl,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  }
}

/** What a request sends to the Data API first, learned from one that the bundle makes with `call`. */
export async function captureCall(
  rig: Rig,
  call: (dataApiUrl: string) => Promise<unknown>,
): Promise<FloorRequest['call']> {
  const { url, requests } = await serveHttp(rig.cleanUps, () => json({ records: [] }))
  await call(url)
  const [request] = requests
  if (request === undefined) throw new Error('The request made no call.')
  const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers
  return { path: request.path, headers, body: request.body }
}

const json = (value: unknown) => ({ status: 200, headers: {}, body: JSON.stringify(value) })
