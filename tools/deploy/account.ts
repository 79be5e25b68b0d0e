import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { foldUsername } from '../../lib/accounts/usernames.ts'
import { createPasswords } from '../../lib/adapters/passwords.ts'
import { RESET_FAILURES } from '../../lib/adapters/user-store.ts'
import { type Output, type Program, runProgram, STAGE_OPTIONS } from '../command-line.ts'
import type { Database } from '../database/data-api-database.ts'
import { retryWhileResuming } from '../database/resuming.ts'
import { LOCAL_DATABASE_NAME, openThisMachinesDatabase } from '../local/database.ts'
import { openDatabaseAt } from '../local/migrated-data-api.ts'
import { openStageDatabase, readStackOutputs } from './stage.ts'

const USAGE = `Shows or changes one account of a stage, as the database's master.

  npm run account -- --stage S [--region R] [--yes] NAME ACTION

  NAME      the username, in any spelling that signs in
  ACTION    show             prints id, name, failures and pauses
            unpause          resets every count of failures
            sign-out         revokes every token for this API; other verifiers accept them until they expire
            reset-password   prints a new random password once, revokes every token, resets every count
            delete           deletes the account, and frees its name
  --stage   a deployed stage, such as dev, which needs AWS credentials; or local
  --region  where the stage is (default: eu-central-1)
  --yes     changes without asking
`

const REVOKE = 'password_version = password_version + 1'

/** The change that each action makes to the row; `show` makes none. */
const CHANGES = {
  show: undefined,
  unpause: `UPDATE users SET ${RESET_FAILURES}`,
  'sign-out': `UPDATE users SET ${REVOKE}`,
  'reset-password': `UPDATE users SET password = :hash, ${REVOKE}, ${RESET_FAILURES}`,
  delete: 'DELETE FROM users',
} as const satisfies Record<string, string | undefined>

type Action = keyof typeof CHANGES

const SELECT = `SELECT id, username, CAST(created_at AS TEXT), password_version,
failures, CAST(paused_until AS TEXT), device_failures, CAST(device_paused_until AS TEXT),
fresh_failures, CAST(fresh_paused_until AS TEXT)
FROM users WHERE username_key = :key`

function parse(args: string[]) {
  const options = { ...STAGE_OPTIONS, yes: { type: 'boolean', default: false } } as const
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  const [name, action, ...others] = positionals
  if (!values.stage) throw new TypeError('--stage is missing.')
  if (name === undefined || others.length > 0) throw new TypeError('Give one NAME and one ACTION.')
  if (action === undefined || !isAction(action)) {
    throw new TypeError(`The action is one of ${Object.keys(CHANGES).join(', ')}.`)
  }
  return { ...values, stage: values.stage, name, action }
}

const isAction = (text: string): text is Action => Object.hasOwn(CHANGES, text)

type Arguments = ReturnType<typeof parse>

async function run(
  { stage, region, yes, name, action }: Arguments,
  { say }: Output,
): Promise<void> {
  const { database, bcryptCost, close } = await openDatabase(stage, region)
  try {
    const execute = (sql: string, parameters: Readonly<Record<string, string>>) =>
      retryWhileResuming(() => database.execute(sql, parameters), { say })
    const [row] = await execute(SELECT, { key: foldUsername(name) })
    if (row === undefined) throw new Error('There is no account with this name.')
    const [id, username, created, version, ...counts] = row
    say(`${id} ${username}, since ${created}, version ${version} of the password`)
    for (const [index, whose] of ['strangers', 'devices', 'fresh tokens'].entries()) {
      const [failures, until] = counts.slice(2 * index)
      say(`failures of ${whose}: ${failures}, the last pause until ${until ?? 'never'}`)
    }

    const change = CHANGES[action]
    if (change === undefined) return
    const statement = `${change} WHERE id = CAST(:id AS BIGINT)`
    if (!yes) await confirm(`${action} ${username}?`)
    if (action !== 'reset-password') {
      await execute(statement, { id: String(id) })
      say(`Done: ${action}`)
      return
    }
    const password = randomBytes(15).toString('base64url')
    const hash = await createPasswords({ cost: bcryptCost }).hashPassword(password)
    await execute(statement, { id: String(id), hash })
    say(`The new password, which is shown once: ${password}`)
  } finally {
    await close()
  }
}

interface OpenedDatabase {
  readonly database: Database
  readonly bcryptCost: number
  close(): Promise<void>
}

async function openDatabase(stage: string, region: string): Promise<OpenedDatabase> {
  if (stage !== 'local') {
    const outputs = await readStackOutputs(stage, region)
    const database = await openStageDatabase(outputs, region)
    return { database, bcryptCost: outputs.bcryptCost, close: async () => {} }
  }
  const { dataApi, close } = await openThisMachinesDatabase()
  return { database: openDatabaseAt(dataApi, LOCAL_DATABASE_NAME), bcryptCost: 12, close }
}

/** Rejects unless the operator confirms on the terminal. */
async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) throw new Error('Without a terminal, --yes is required.')
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const reply = await terminal.question(`${question} [y/N] `)
  terminal.close()
  if (!/^y(es)?$/i.test(reply.trim())) throw new Error('Nothing was changed.')
}

const failure = 'Nothing was done'
/** `npm run account`. */
export const ACCOUNT: Program<Arguments> = { usage: USAGE, failure, parse, run }

if (import.meta.main) await runProgram(ACCOUNT)
