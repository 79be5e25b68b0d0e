import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { stop } from 'esbuild'
import { environment, JWT_SECRET } from '../../test/support/handler.ts'
import { type CleanUps, temporaryDatabase } from '../../test/support/temporary-database.ts'
import { bundle } from '../build/bundle.ts'
import type { Engine } from '../local/data-api/engine.ts'
import { openPglite } from '../local/data-api/pglite-engine.ts'
import { connectPostgres } from '../local/data-api/postgres-engine.ts'
import { serveMigrated } from '../local/migrated-data-api.ts'
import { bundleChildren, type ChildPaths } from './bundle-children.ts'

/** bcrypt's cost factor of every hash in the bench: the function's default. */
export const COST = 12

/** All that the measurements share. */
export interface Rig {
  /** CommonJS files: the function as it is packaged, the floors, and the programs that load them. */
  readonly paths: ChildPaths & { readonly bundle: string }
  /** The environment of a function's process, as on AWS: its key in a secret, its log and metrics on. */
  readonly env: Readonly<Record<string, string>>
  /** A database of the bench's own on the server at `DATABASE_URL`, if there is one. */
  readonly databaseUrl: string | undefined
  /** The server's name and version. */
  readonly database: string
  /** Statements that the local Data API has passed on so far. */
  statements(): number
  readonly cleanUps: CleanUps
}

/** Bundles, and opens a database behind a local Data API, in this process, and a secret beside it. */
export async function setUp(cleanUps: CleanUps): Promise<Rig> {
  const folder = await mkdtemp(`${tmpdir()}/latchkey-bench-`)
  cleanUps.after(() => rm(folder, { recursive: true }))
  await bundle(`${folder}/function`)
  const children = await bundleChildren(folder)
  await stop() // esbuild's own process, which would stand by.

  const databaseUrl = process.env['DATABASE_URL'] ? await temporaryDatabase(cleanUps) : undefined
  const engine = await (databaseUrl ? connectPostgres(databaseUrl) : openPglite())
  const version = await serverVersion(engine)
  const counted = countStatements(engine)
  const dataApi = await serveMigrated(counted.engine, 'latchkey', () => {})
  cleanUps.after(dataApi.close)
  return {
    paths: { ...children, bundle: `${folder}/function/auth.cjs` },
    env: functionEnvironment(dataApi.url, await serveSecret(cleanUps)),
    databaseUrl,
    database: databaseUrl ? version : `PGlite ${version}`,
    statements: counted.count,
    cleanUps,
  }
}

function functionEnvironment(dataApiUrl: string, secretsUrl: string) {
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

/** Stands in for Secrets Manager, of which the function asks one thing. */
async function serveSecret(cleanUps: CleanUps): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      response.setHeader('content-type', 'application/x-amz-json-1.1')
      response.end(JSON.stringify({ SecretString: JWT_SECRET }))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  cleanUps.after(async () => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return `http://127.0.0.1:${address.port}`
}

async function serverVersion(engine: Engine): Promise<string> {
  const session = await engine.session()
  try {
    const { rows } = await session.query("SELECT current_setting('server_version')")
    return `PostgreSQL ${rows[0]?.[0]?.split(' ')[0]}`
  } finally {
    session.release()
  }
}

function countStatements(engine: Engine) {
  let count = 0
  const counted: Engine = {
    ...engine,
    async session() {
      const session = await engine.session()
      return {
        ...session,
        query(text, values) {
          count += 1
          return session.query(text, values)
        },
      }
    },
  }
  return { engine: counted, count: () => count }
}
