import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLedger, type SoakAnswer, type StoredUser } from './ledger.ts'

const USER: StoredUser = { id: 7, username: 'gary', passwordHash: 'hash of one' }
const CREATED: SoakAnswer = { status: 201, code: undefined, userId: 7 }
const TAKEN: SoakAnswer = { status: 400, code: 'username_taken', userId: undefined }
const FAULT: SoakAnswer = { status: 503, code: 'timed_out', userId: undefined }

type Asked = readonly (readonly [password: string, SoakAnswer])[]

/**
 * The problems of one name, asked for with these passwords and answered so, with these rows stored; beside
 * ten sound sign-ups of others, so that there is traffic.
 */
function problems(asked: Asked, users: readonly StoredUser[], idempotencyKey?: string) {
  const ledger = createLedger(async (password, hash) => hash === `hash of ${password}`)
  for (const [password, answer] of asked) {
    ledger.record({ username: 'gary', password, idempotencyKey }, answer)
  }
  const others = Array.from({ length: 10 }, (_, index) => {
    const username = `other ${index}`
    ledger.record({ username, password: 'one', idempotencyKey: undefined }, CREATED)
    return { ...USER, username }
  })
  return ledger.problems([...users, ...others])
}

const SOUND = {
  'a sign-up': [[['one', CREATED]], [USER]],
  'a sign-up and a rival': [
    [
      ['one', CREATED],
      ['two', TAKEN],
    ],
    [USER],
  ],
  'a replay': [
    [
      ['one', CREATED],
      ['one', CREATED],
    ],
    [USER],
  ],
  'a fault that stored nothing': [[['one', FAULT]], []],
  'a fault that stored, and a second try that says so': [
    [
      ['one', FAULT],
      ['one', TAKEN],
    ],
    [USER],
  ],
} as const

for (const [name, [asked, users]] of Object.entries(SOUND)) {
  test(`${name} fits together`, async () => {
    assert.deepEqual(await problems(asked, users), [])
  })
}

const BROKEN = {
  'a 201 without a row': [[['one', CREATED]], [], /not stored/],
  'a taken name without a row': [[['one', TAKEN]], [], /not stored/],
  'a 201 whose row is of another password': [[['two', CREATED]], [USER], /neither|nobody was told/],
  'two passwords for one name': [
    [
      ['one', CREATED],
      ['two', CREATED],
    ],
    [USER],
    /two passwords/,
  ],
  'a row of which nobody was told': [[['one', TAKEN]], [USER], /nobody was told/],
  'a row that nobody asked for': [[], [USER], /nobody asked/],
  'a token with another id': [[['one', { ...CREATED, userId: 8 }]], [USER], /another id/],
  'a name stored twice': [[['one', CREATED]], [USER, { ...USER, id: 8 }], /twice/],
  'a 400 of another code': [
    [['one', { status: 400, code: 'other', userId: undefined }]],
    [USER],
    /answered 400 other/,
  ],
  'a good request refused': [
    [['one', { status: 401, code: 'body_not_json', userId: undefined }]],
    [],
    /answered 401 body_not_json/,
  ],
} as const

for (const [name, [asked, users, expected]] of Object.entries(BROKEN)) {
  test(`${name} is a problem`, async () => {
    assert.match((await problems(asked, users)).join('\n'), expected)
  })
}

test('an own sign-up that is told "taken" is a problem where it came with its key', async () => {
  const asked = [
    ['one', FAULT],
    ['one', TAKEN],
  ] as const
  assert.match((await problems(asked, [USER], 'the key')).join(), /told "taken" by their own/)
  const rival = [
    ['one', CREATED],
    ['two', TAKEN],
  ] as const
  assert.deepEqual(await problems(rival, [USER], 'the key'), [])
})

test('a function that always fails is a problem', async () => {
  const ledger = createLedger(async () => true)
  for (let i = 0; i < 100; i += 1) {
    ledger.record({ username: `person ${i}`, password: 'one', idempotencyKey: undefined }, FAULT)
  }
  assert.match((await ledger.problems([])).join(), /Of 100 requests 0 were answered/)
})

test('answers are counted by status and code', () => {
  const ledger = createLedger(async () => true)
  for (const answer of [TAKEN, CREATED, TAKEN]) {
    ledger.record({ username: 'gary', password: 'one', idempotencyKey: undefined }, answer)
  }
  assert.deepEqual(
    [...ledger.counts()],
    [
      ['201', 1],
      ['400 username_taken', 2],
    ],
  )
})
