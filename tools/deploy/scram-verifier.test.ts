import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scramVerifier } from './scram-verifier.ts'

test('the verifier is the one of the example in RFC 7677', () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  // The RFC gives the messages of a login; these are the keys with which a server checks them.
  assert.equal(
    scramVerifier('pencil', salt),
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  )
})

test('each verifier has its own salt', () => {
  assert.notEqual(scramVerifier('pencil'), scramVerifier('pencil'))
})
