import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { build, stop } from 'esbuild'
import { BUNDLING, bundle } from '../../tools/build/bundle.ts'
import { openPglite } from '../../tools/local/data-api/pglite-engine.ts'
import { connectPostgres } from '../../tools/local/data-api/postgres-engine.ts'
import { serveDatabase } from '../support/database.ts'
import { environment, JWT_SECRET } from '../support/handler.ts'
import { serveHttp } from '../support/http-endpoint.ts'
import { type CleanUps, temporaryDatabase } from '../support/temporary-database.ts'

/** bcrypt's cost factor in the bench: the function's default. */
export const COST = 12

/** The set-up that all measurements share. */
export type Rig = Awaited<ReturnType<typeof setUp>>

/** Bundles the function and the baseline, and opens a database behind a local Data API in this process. */
export async function setUp(cleanUps: CleanUps) {
  const folder = await mkdtemp(`${tmpdir()}/latchkey-bench-`)
  cleanUps.after(() => rm(folder, { recursive: true }))
  await bundle(`${folder}/function`)
  // Bundled too, so that no process under measurement compiles TypeScript.
  await build({
    ...BUNDLING,
    entryPoints: ['baseline', 'handler-child'].map((name) => `${import.meta.dirname}/${name}.ts`),
    outdir: folder,
    logOverride: { 'empty-import-meta': 'silent' }, // In test/support/handler.ts, in a function not called here.
  })
  await stop() // esbuild's own process.

  const databaseUrl = process.env['DATABASE_URL'] ? await temporaryDatabase(cleanUps) : undefined
  const engine = await (databaseUrl ? connectPostgres(databaseUrl) : openPglite())
  const database = await serveDatabase(engine)
  cleanUps.after(database.close)
  const secrets = await serveHttp(cleanUps, () => json({ SecretString: JWT_SECRET }))
  const { JWT_SECRET: _, ...shared } = environment(database.url)
  const sql = "SELECT split_part(current_setting('server_version'), ' ', 1)"
  const [[version] = []] = await database.query(sql)
  return {
    /** CommonJS files: the function as it is packaged, the baseline, and the program that loads them. */
    paths: {
      bundle: `${folder}/function/auth.cjs`,
      baseline: `${folder}/baseline.cjs`,
      handlerChild: `${folder}/handler-child.cjs`,
    },
    /** The environment of a function's process, as on AWS: its key in a secret, its log and metrics on. */
    env: {
      ...shared,
      BCRYPT_COST: String(COST),
      JWT_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:jwt',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      POWERTOOLS_LOG_LEVEL: 'INFO',
      POWERTOOLS_METRICS_DISABLED: 'false',
    },
    /** Runs SQL as the owner of the database. */
    query: database.query,
    database: `${databaseUrl ? 'PostgreSQL' : 'PGlite'} ${version}`,
    cleanUps,
  }
}

/** A response with this JSON. */
export const json = (value: unknown) => ({ status: 200, headers: {}, body: JSON.stringify(value) })
