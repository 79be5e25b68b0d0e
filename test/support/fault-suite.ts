import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { handler } from '../../functions/auth.ts'
import { type ScriptedAnswer, scriptDataApi } from './data-api-script.ts'
import { HANGS, LASTING, PASSING, SECRETS, SIGN_UP } from './fault-cases.ts'
import { bodyOf, sender } from './handler.ts'
import { assertDocumented } from './openapi.ts'
import { captureStderr } from './stderr.ts'

/** Enough for a hash, a call that hangs for a second and one more, and a pause of a database that wakes up. */
const LEFT_MILLISECONDS = 4000

/** Holds a function to all that it promises of faults. `load` resolves with it, its Data API at `url`. */
export async function holdToFaults(
  t: TestContext,
  load: (url: string) => Promise<typeof handler>,
): Promise<void> {
  const answers: ScriptedAnswer[] = []
  const { url, requests, hung } = await scriptDataApi(t, answers)
  const handler = await load(url)
  const send = sender(handler, LEFT_MILLISECONDS)

  const script = ([...next]: readonly ScriptedAnswer[]) => {
    const last = next.at(-1) ?? HANGS
    answers.splice(requests.length, answers.length, ...next, ...Array(50).fill(last))
  }

  /** A sign-up, what it printed, and the calls that were made of it. */
  const signUpAgainst = async (t: TestContext, answers: readonly ScriptedAnswer[]) => {
    const before = requests.length
    script(answers)
    const output = captureStderr(t)
    const response = await send(SIGN_UP)
    return { response, output, made: requests.slice(before) }
  }

  for (const { name, answers, status, code, calls } of PASSING) {
    await t.test(`that passes, ${name}, is waited for`, async (t) => {
      const { response, output, made } = await signUpAgainst(t, answers)

      assert.equal(response.statusCode, status)
      assert.equal(bodyOf(response)['code'], code)
      assert.equal(made.length, calls)
      for (const request of made) assert.deepEqual(request, made[0])
      assertDocumented(response)
      assert.equal(output(), '')
    })
  }

  for (const { name, answers, status, code, retryAfter, logged, calls } of LASTING) {
    await t.test(`that lasts, ${name}, is ${status} ${code} and one line of the log`, async (t) => {
      const { response, output, made } = await signUpAgainst(t, answers)

      assert.equal(response.statusCode, status)
      assert.equal(bodyOf(response)['code'], code)
      assert.equal(response.headers?.['retry-after'], retryAfter)
      assertDocumented(response)
      assert.ok(
        calls === undefined ? made.length >= 2 : made.length === calls,
        `${made.length} calls`,
      )
      assert.match(output(), /^[^\n]*\n$/)
      const line: Readonly<Record<string, unknown>> = JSON.parse(output())
      const expected = { level: 'ERROR', requestId: 'test-request-id', ...logged }
      for (const [key, value] of Object.entries(expected)) assert.equal(line[key], value, key)
      assertSilent(`${output()}${response.body}`)
    })
  }

  await t.test('leaves no call behind: what hangs is aborted', { timeout: 10_000 }, async (t) => {
    const before = hung.length
    script([HANGS])
    captureStderr(t)
    await send(SIGN_UP)
    assert.ok(hung.length > before)
    await Promise.all(hung)
  })

  await t.test('before there is time for a call is answered at once', async (t) => {
    const before = requests.length
    captureStderr(t)
    const response = await sender(handler, 900)(SIGN_UP)
    assert.equal(bodyOf(response)['code'], 'timed_out')
    assert.equal(requests.length, before)
  })
}

/** Nothing secret, and nothing of our insides. */
function assertSilent(text: string): void {
  for (const secret of SECRETS) {
    assert.ok(!text.includes(secret), secret)
  }
  assert.doesNotMatch(text, /\$2b\$|INSERT|users|arn:|\n\s+at /)
}
