import { parseArgs } from 'node:util'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { readSecret } from '../../lib/secrets.ts'
import { SILENT } from './patience.ts'
import { runSmokeSteps, stepwise } from './smoke-steps.ts'
import { removeUser } from './smoke-user.ts'
import { readStackOutputs } from './stack-outputs.ts'
import { openStageDatabase } from './stage-database.ts'

const USAGE = `Tries the sign-up contract on a deployed endpoint.

  npm run smoke -- --url U                  signs a random user up, who stays
  npm run smoke -- --stage S [--region R]   checks the token's signature too, and removes the user

  --url U      the endpoint; with --stage it may be left out, and is then the stage's own
  --stage S    a deployed stage, such as dev; needs AWS credentials
  --region R   where the stage is (default: eu-central-1)
`

interface Arguments {
  readonly url: string | undefined
  readonly stage: string | undefined
  readonly region: string
}

/** The command line, parsed; or what is wrong with it. */
function parseArguments(args: readonly string[]): Arguments | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        url: { type: 'string' },
        stage: { type: 'string' },
        region: { type: 'string', default: 'eu-central-1' }, // serverless.yml has the same.
      },
    })
    const { url, stage, region } = values
    if (!url && !stage) return '--url or --stage is missing.'
    if (url && !/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return `--url is no URL: ${url}`
    return { url: url && withPath(url), stage, region }
  } catch (error) {
    return messageOf(error)
  }
}

/** A host alone means the endpoint on it. */
function withPath(url: string): string {
  const { pathname } = new URL(url)
  return pathname === '/' ? new URL('/auth/sign-up', url).href : url
}

/** Runs the steps on `url` and removes what they stored, also where a step failed. */
async function smokeStage(url: string | undefined, stage: string, region: string): Promise<void> {
  const outputs = await readStackOutputs(stage, region)
  const key = await readSecret(new SecretsManagerClient({ region }), outputs.jwtSecretArn)
  const database = openStageDatabase(outputs, region)
  const usernames: string[] = []
  const onUsername = (username: string) => usernames.push(username)
  const failures: string[] = []
  const attempt = (work: () => Promise<void>) =>
    work().catch((error: unknown) => failures.push(messageOf(error)))

  await attempt(() => runSmokeSteps({ url: url ?? outputs.signUpUrl, key, say, onUsername }))
  await attempt(() =>
    stepwise(say)(`removed: ${usernames.join(', ')}`, async () => {
      for (const username of usernames) await removeUser(database, username, { ...SILENT, say })
    }),
  )
  if (failures.length > 0) throw new Error(failures.join(' Nor could the user be removed: '))
}

async function smokeUrl(url: string): Promise<void> {
  await runSmokeSteps({
    url,
    say,
    onUsername: (name) => say(`note   the user ${name} stays: only --stage can remove them`),
  })
}

const say = (line: string) => process.stdout.write(`${line}\n`)

function messageOf(error: unknown): string {
  // Its message quotes what could not be read, which may be the answer that holds the key.
  if (error instanceof SyntaxError) return 'AWS answered something that is not JSON.'
  return error instanceof Error ? error.message || error.name : String(error)
}

async function main(args: readonly string[]): Promise<0 | 1 | 2> {
  const parsed = parseArguments(args)
  if (typeof parsed === 'string') {
    process.stderr.write(`${parsed}\n\n${USAGE}`)
    return 2
  }
  const { url, stage, region } = parsed
  try {
    if (stage) await smokeStage(url, stage, region)
    else if (url) await smokeUrl(url)
    say('The endpoint keeps the contract.')
    return 0
  } catch (error) {
    process.stderr.write(`The smoke test failed: ${messageOf(error)}\n`)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
