import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { type Algorithm, WANTED_KEY } from '../../lib/adapters/signing-key.ts'
import { DOCUMENT_MAX_AGE_SECONDS } from '../../lib/http/well-known.ts'
import { type Output, type Program, runProgram, STAGE_OPTIONS } from '../command-line.ts'
import { ALL_PROCESSES_SECONDS, openSigningSecret, type SigningSecret } from './signing-secret.ts'
import { readStackOutputs } from './stage.ts'

const USAGE = `Replaces a stage's signing key without invalidating tokens: stores the new key as AWSPENDING, waits
until caches have it (RS256), makes it AWSCURRENT, waits until the tokens of the old key have expired, and removes
AWSPREVIOUS. It may be interrupted at any time; the same command continues.

  npm run rotate-key -- --stage S [--region R] [--now]

  --stage   a deployed stage, such as dev; needs AWS credentials
  --region  where the stage is (default: eu-central-1)
  --now     for a leaked key: a new key without waiting. Every token is revoked within ten minutes, and users
            sign in again. API Gateway and other verifiers may accept the old key, and reject the new one, while
            they cache keys: two hours for API Gateway.
`

/** API Gateway keeps a key set for two hours (AWS, "Control access to HTTP APIs with JWT authorizers"). */
const GATEWAY_CACHE_SECONDS = 7200

/** Input of a rotation. */
interface RotationOptions {
  readonly secret: SigningSecret
  readonly algorithm: Algorithm
  /** Life of a token, in seconds. */
  readonly tokenSeconds: number
  /** The old key has leaked, so nothing is waited for. */
  readonly isLeaked?: boolean
  readonly say: (line: string) => void
  readonly wait?: (milliseconds: number) => Promise<unknown>
  /** A clock in milliseconds. */
  readonly now?: () => number
}

/**
 * Rotates the signing key by the labels of its versions, which are the only state of a rotation: `AWSPENDING` on
 * its own version is before the move, on the current version after it. Rejects with the SDK's error; a repeat
 * continues.
 */
export async function rotateKey({
  secret,
  algorithm,
  tokenSeconds,
  isLeaked = false,
  say,
  wait = sleep,
  now = Date.now,
}: RotationOptions): Promise<void> {
  const endOfTokens = tokenSeconds + ALL_PROCESSES_SECONDS

  async function waitSince(changedAt: Date | undefined, seconds: number, what: string) {
    if (isLeaked) return
    const end = (changedAt?.getTime() ?? now()) + seconds * 1000
    if (end > now()) say(`Waits until ${new Date(end).toISOString()}, ${what}`)
    // In steps, since a machine that sleeps stops its timers too.
    while (end > now()) await wait(Math.min(end - now(), 60_000))
  }

  if (isLeaked) {
    say(
      'Every token is revoked within ten minutes. Verifiers that cache keys may accept the old one for two hours',
    )
  }
  if (!isLeaked && (await secret.keyOf('AWSCURRENT')) === undefined) {
    throw new Error('The text of AWSCURRENT is no key, so it signs nothing. Run npm run migrate.')
  }
  let isStored = false
  for (;;) {
    const versions = await secret.versions()
    const { current, pending, previous, changedAt } = versions
    // A key that was pending may have leaked with the current one.
    if (!isStored && (pending === undefined || isLeaked)) {
      // Its label goes to the current version when that is replaced.
      if (previous)
        await waitSince(changedAt, endOfTokens, 'when tokens of AWSPREVIOUS have expired')
      await secret.storePending(algorithm)
      isStored = true
      say(`Stored a new ${algorithm} key as AWSPENDING`)
    } else if (pending === undefined) {
      throw new Error('AWSPENDING is gone: another rotation is running.')
    } else if (pending !== current) {
      if ((await secret.keyOf('AWSPENDING'))?.algorithm !== algorithm) {
        throw new Error(
          `AWSPENDING is not an ${algorithm} key, which is ${WANTED_KEY[algorithm]}. If it is for a change of the algorithm, deploy the stage first: npm run deploy`,
        )
      }
      if (algorithm === 'RS256') {
        const seconds = GATEWAY_CACHE_SECONDS + DOCUMENT_MAX_AGE_SECONDS + ALL_PROCESSES_SECONDS
        await waitSince(changedAt, seconds, 'when caches have the new key')
      }
      await secret.makeCurrent(versions)
      say('The new key is AWSCURRENT, and signs within ten minutes')
    } else if (previous) {
      await waitSince(changedAt, endOfTokens, 'when tokens of the old key have expired')
      await secret.remove('AWSPREVIOUS', previous)
      say('Removed AWSPREVIOUS: tokens of the old key are rejected within ten minutes')
    } else {
      await secret.remove('AWSPENDING', pending)
      say('The rotation is complete')
      return
    }
  }
}

function parse(args: string[]) {
  const options = { ...STAGE_OPTIONS, now: { type: 'boolean', default: false } } as const
  const { stage, region, now: isLeaked } = parseArgs({ args, options }).values
  if (!stage) throw new TypeError('--stage is missing.')
  if (stage === 'local') {
    throw new TypeError('The key of the stage local is in .local: delete it, and start again.')
  }
  return { stage, region, isLeaked }
}

type Arguments = ReturnType<typeof parse>

async function run({ stage, region, isLeaked }: Arguments, { say }: Output): Promise<void> {
  const { jwtSecretArn, jwtAlgorithm, jwtTtlSeconds } = await readStackOutputs(stage, region)
  const secret = openSigningSecret(new SecretsManagerClient({ region }), jwtSecretArn)
  say(`latchkey-${stage} in ${region}, ${jwtAlgorithm}, tokens of ${jwtTtlSeconds} s`)
  await rotateKey({ secret, algorithm: jwtAlgorithm, tokenSeconds: jwtTtlSeconds, isLeaked, say })
}

const failure = 'The rotation is not complete'
/** `npm run rotate-key`. */
export const ROTATE_KEY: Program<Arguments> = { usage: USAGE, failure, parse, run }

if (import.meta.main) await runProgram(ROTATE_KEY)
