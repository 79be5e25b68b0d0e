import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { expect, property } from './smoke-failure.ts'
import {
  createPost,
  describeAnswer,
  expectJson,
  expectRefusal,
  retryAfterMilliseconds,
} from './smoke-http.ts'
import { checkToken } from './smoke-token.ts'

export interface SmokeOptions {
  /** The endpoint, path and all. */
  readonly url: string
  /** The key that tokens are signed with; without it their signature is not checked. */
  readonly key?: string | undefined
  /** Takes each line of the report. */
  readonly say: (line: string) => void
  /** Told every name before it is sent, so that the user can be removed whatever the answer. */
  readonly onUsername: (username: string) => void
  readonly wait?: (milliseconds: number) => Promise<unknown>
  readonly answerTimeoutMilliseconds?: number
}

/** How long a paused database is waited for. It takes some 15 s, after a day's pause 30 s or more. */
const RESUME_MILLISECONDS = 120_000

/**
 * Tries the contract on a deployed endpoint: signs a random user up and reads the token, asks for the
 * same name again, sends a body that is no JSON. Says each step with its time, and throws a
 * `SmokeFailure` at the first that fails. Says neither password nor token.
 */
export async function runSmokeSteps(options: SmokeOptions): Promise<void> {
  const step = stepwise(options.say)
  const post = createPost(options.url, options.answerTimeoutMilliseconds)
  const password = randomBytes(18).toString('base64url')

  const { username, token } = await step('a new user is signed up: 201', async () => {
    const attempt = await signUpOnceAwake(options, post, password)
    const { status } = attempt.answer
    expect(status === 201, `Expected 201, got ${describeAnswer(attempt.answer)}.`)
    expectJson(attempt.answer)
    return { username: attempt.username, token: property(attempt.answer.body, 'token') }
  })
  await step(`the token is theirs${options.key === undefined ? ', signature unchecked' : ''}`, () =>
    checkToken(token, { username, key: options.key }),
  )
  await step('the same name in another letter case is refused: 400', async () => {
    const answer = await post(JSON.stringify({ username: swapCase(username), password }))
    expectRefusal(answer, 400, 'username_taken')
  })
  await step('a body that is no JSON is refused: 401', async () => {
    const answer = await post('{"username":')
    expectRefusal(answer, 401, 'body_not_json')
    expect(answer.headers.has('www-authenticate'), 'The 401 has no WWW-Authenticate.')
  })
}

/** Makes the function that runs a step and says its outcome, its time and its name. */
export function stepwise(say: (line: string) => void) {
  return async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now()
    const report = (outcome: string) => {
      const milliseconds = Math.round(performance.now() - start)
      say(`${outcome} ${String(milliseconds).padStart(6)} ms  ${name}`)
    }
    try {
      const result = await work()
      report('ok    ')
      return result
    } catch (error) {
      report('FAILED')
      throw error
    }
  }
}

/** Signs users up until one is not told to wait. Each has a new name: a 503 may have stored its own. */
async function signUpOnceAwake(
  { say, onUsername, wait = setTimeout }: SmokeOptions,
  post: ReturnType<typeof createPost>,
  password: string,
) {
  for (let waited = 0; ; ) {
    const username = `Smoke-${randomBytes(6).toString('hex')}`
    onUsername(username)
    const answer = await post(JSON.stringify({ username, password }))
    const pause = retryAfterMilliseconds(answer)
    if (pause === undefined || waited + pause > RESUME_MILLISECONDS) return { username, answer }
    say(`waits  ${pause / 1000} s, as told by a ${describeAnswer(answer)}`)
    await wait(pause)
    waited += pause
  }
}

const swapCase = (text: string) =>
  text.replace(/[a-z]/gi, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  )
