import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { decodeJwt } from 'jose'
import { bundle } from '../../tools/build/bundle.ts'
import { applyMigrations } from '../../tools/database/migrations.ts'
import { APP_ROLE, migrate } from '../../tools/database/schema.ts'
import { connectPostgres } from '../../tools/local/data-api/postgres-engine.ts'
import { createRoles, obtainRole } from '../../tools/local/data-api/roles.ts'
import { serveDataApi } from '../../tools/local/data-api/server.ts'
import { ACCESS_KEY_ID } from '../support/data-api-script.ts'
import {
  bodyOf,
  DB_SECRET_ARN,
  eventWith,
  loadHandler,
  readEvent,
  sender,
  withToken,
} from '../support/handler.ts'
import { migrationDatabase } from '../support/migration-database.ts'
import { openTestPglite } from '../support/pglite.ts'
import { previousRelease } from '../support/previous-release.ts'
import { NO_SERVER, temporaryDatabase } from '../support/temporary-database.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

// The previous release and this one serve one database at once, while it is migrated. Every user that either of them
// has acknowledged can do everything with the name as typed.

/** The previous release: 0.2.0. */
const PREVIOUS = 'b3a2765f5d179731f1cca069b40cebd57438843c'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const hasPrevious = spawnSync('git', ['cat-file', '-e', PREVIOUS], { cwd: ROOT }).status === 0
const NO_PREVIOUS =
  !hasPrevious && `${PREVIOUS} is not in this clone: git fetch --unshallow, and fetch main`

const ENGINES = [
  { on: 'PGlite', skip: NO_PREVIOUS, open: openTestPglite },
  {
    on: 'a Postgres server',
    skip: NO_PREVIOUS || NO_SERVER,
    open: async (t: TestContext) => connectPostgres(await temporaryDatabase(t)),
  },
]

/** A name for each rule of the fold. A number makes each one unique. */
const KINDS = [
  'gary',
  'Mary Jane',
  'in  ner',
  'Zoë Straße',
  'İbrahim',
  'ｗｉｄｅ',
  '李明',
  'ﬁnn',
  'Ёлка',
  'ς',
]
let made = 0
const newNames = () => KINDS.map((kind) => `${kind} ${++made}`)

const PASSWORD = 'correct horse battery'
const NEW_PASSWORD = 'another horse battery'

interface User {
  readonly username: string
  readonly key: string
  readonly token: string
}

/** Bundles the previous release's function with the packages of this tree, and loads it into this process. */
async function loadPrevious(t: TestContext) {
  const folder = temporaryFolder(t)
  const archive = `${folder}/release.tar`
  execFileSync('git', ['archive', '--output', archive, PREVIOUS, 'functions', 'lib'], { cwd: ROOT })
  const source = `${folder}/source`
  mkdirSync(source)
  execFileSync('tar', ['-xf', archive, '-C', source])
  symlinkSync(`${ROOT}node_modules`, `${source}/node_modules`)
  await bundle(`${folder}/bundle`, [`${source}/functions/auth.ts`])
  return sender(createRequire(import.meta.url)(`${folder}/bundle/auth.cjs`).handler)
}

for (const { on, skip, open } of ENGINES) {
  test(`an upgrade under traffic loses and fails nobody, on ${on}`, { skip }, async (t) => {
    const engine = await open(t)
    const openAs = await createRoles(engine)
    const server = await serveDataApi(
      (arn) => openAs(arn === DB_SECRET_ARN ? APP_ROLE : undefined),
      'latchkey',
      ACCESS_KEY_ID,
    )
    t.after(async () => {
      await server.close()
      await engine.close()
    })
    const database = migrationDatabase(t, server.url)
    await applyMigrations(database, { folder: previousRelease(t) })
    assert.equal(await obtainRole(openAs, APP_ROLE), undefined)
    const now = await loadHandler(server.url)
    const before = await loadPrevious(t)

    type Send = typeof now
    async function respond(send: Send, event: APIGatewayProxyEventV2) {
      const { statusCode: status = 0, body } = await send(event)
      const json = body ? bodyOf({ body }) : {}
      const { code, token = '', sessionToken = '' } = json
      assert.ok(status < 500, `${event.routeKey} ${event.body}: ${status} ${code}`)
      return { status, code, token: `${token}`, session: `${sessionToken}` }
    }
    const post = (send: Send, name: string, body: object, token?: string) => {
      const event = eventWith(body, name)
      return respond(send, token === undefined ? event : withToken(event, token))
    }
    const keyed = (send: Send, username: string, key: string) => {
      const event = eventWith({ username, password: PASSWORD })
      return respond(send, { ...event, headers: { ...event.headers, 'idempotency-key': key } })
    }
    const signIn = (username: string, password = PASSWORD) =>
      post(now, 'sign-in', { username, password })

    /** Signs up a user of each kind, and resolves once all are acknowledged. */
    const signUpEach = (send: Send) =>
      Promise.all(
        newNames().map(async (username, index): Promise<User> => {
          const key = `the-key-of-user-${made}-${index}`
          const { status, token } = await keyed(send, username, key)
          assert.equal(status, 201, username)
          return { username, key, token }
        }),
      )

    /** Replays the sign-up at either release, whose name is taken for everybody else. */
    async function replay(send: Send, { username, key, token }: User) {
      const replayed = await keyed(send, username, key)
      assert.equal(replayed.status, 201, username)
      assert.equal(decodeJwt(replayed.token).sub, decodeJwt(token).sub)
      for (const other of [before, now]) {
        assert.equal((await keyed(other, username, 'the-key-of-a-rival')).status, 400, username)
      }
    }

    /** Does everything that an account allows, with the name as typed. */
    async function useEverything({ username, token }: User) {
      const { sub } = decodeJwt(token)
      const me = await respond(now, withToken(readEvent('me'), token))
      const signedIn = await signIn(username)
      assert.deepEqual([me.status, signedIn.status], [200, 200], username)
      assert.equal(decodeJwt(signedIn.token).sub, sub)
      const passwords = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD }
      const changed = await post(now, 'change-password', passwords, signedIn.token)
      assert.equal(changed.status, 200, username)
      assert.equal((await signIn(username, NEW_PASSWORD)).status, 200, username)
      const next = { username: `${username} b`, password: NEW_PASSWORD }
      assert.equal((await post(now, 'change-username', next, changed.token)).status, 200, username)
      const renamed = await signIn(next.username, NEW_PASSWORD)
      assert.equal(decodeJwt(renamed.token).sub, sub)
      const deleted = await post(now, 'delete-account', next, renamed.token)
      assert.equal(deleted.status, 204, username)
      assert.equal((await signIn(next.username, NEW_PASSWORD)).code, 'invalid_credentials')
    }

    const users = await signUpEach(before)
    // The schema first, while only the previous release runs.
    const [, whileMigrated] = await Promise.all([migrate(database), signUpEach(before)])
    users.push(...whileMigrated)

    // Both releases, and users whose rows have no key yet.
    const [ofBefore, ofNow, deletedSoon] = await Promise.all([before, now, before].map(signUpEach))
    await Promise.all([
      ...users.slice(0, KINDS.length).map((user) => replay(now, user)),
      ...(ofBefore ?? []).flatMap((user) => [replay(now, user), replay(before, user)]),
      ...(ofNow ?? []).flatMap((user) => [replay(now, user), replay(before, user)]),
      ...(deletedSoon ?? []).map(useEverything),
    ])
    users.push(...(ofBefore ?? []), ...(ofNow ?? []))
    // What is lost until the second migration: names in another form than letter case.
    const otherForm = (ofBefore?.[3]?.username ?? '').replace('ß', 'ss')
    assert.equal((await signIn(otherForm.toUpperCase())).code, 'invalid_credentials')

    // Sessions of users whose rows have no key yet.
    const sessions = await Promise.all(
      (ofBefore ?? []).map(async ({ username }) => {
        const body = { username, password: PASSWORD, session: true }
        return (await post(now, 'sign-in', body)).session
      }),
    )

    // The second migration, while both serve.
    const [, lateOfBefore, lateOfNow] = await Promise.all([
      migrate(database),
      signUpEach(before),
      signUpEach(now),
    ])
    users.push(...lateOfBefore, ...lateOfNow)
    assert.equal((await signIn(otherForm.toUpperCase())).status, 200)
    for (const session of sessions) {
      const renewed = await respond(now, withToken(readEvent('renew'), session))
      assert.equal(renewed.status, 200)
    }

    const ids = new Set(users.map(({ token }) => decodeJwt(token).sub))
    assert.equal(ids.size, users.length)
    await Promise.all(users.map(useEverything))
  })
}
