import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import postgres from 'postgres'
import { NO_SERVER, noSuperuser } from '../../test/support/temporary-database.ts'
import { scramVerifier } from './scram-verifier.ts'

test('the verifier is the one of the example in RFC 7677', () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  // The RFC gives the messages of a login; these are the keys with which a server checks them.
  assert.equal(
    scramVerifier('pencil', salt),
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  )
})

test('each has a salt of its own', () => {
  assert.notEqual(scramVerifier('pencil'), scramVerifier('pencil'))
})

test('Postgres makes the same of the password and its salt', { skip: NO_SERVER }, async (t) => {
  // Nobody else may read pg_authid.
  const reason = await noSuperuser()
  if (reason) return t.skip(reason)
  const sql = postgres(process.env['DATABASE_URL'] ?? '', { max: 1, onnotice: () => {} })
  t.after(() => sql.end())
  const role = `latchkey_test_${randomBytes(6).toString('hex')}`
  const password = randomBytes(32).toString('hex')
  await sql.unsafe("SET password_encryption = 'scram-sha-256'")
  await sql.unsafe(`CREATE ROLE ${role} NOLOGIN PASSWORD '${password}'`)
  try {
    const [row] = await sql`SELECT rolpassword FROM pg_authid WHERE rolname = ${role}`
    const salt = /:([^$]+)\$/.exec(row?.['rolpassword'])?.[1] ?? ''
    assert.equal(scramVerifier(password, Buffer.from(salt, 'base64')), row?.['rolpassword'])
  } finally {
    await sql.unsafe(`DROP ROLE ${role}`)
  }
})
