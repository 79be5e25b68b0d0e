import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** RFC 7677's least, and Postgres's own default: a random password needs no more. */
const ITERATIONS = 4096

const KEY_BYTES = 32

/**
 * What Postgres stores of a password (RFC 5802, section 3; RFC 7677), in the form that `ALTER ROLE …
 * PASSWORD` takes as it stands. It opens nothing: a login takes the password, or the client key, of
 * which only the hash is in here. `password` must be of ASCII, which SASLprep leaves as it is.
 */
export function scramVerifier(password: string, salt: Uint8Array = randomBytes(16)): string {
  const saltedPassword = pbkdf2Sync(password, salt, ITERATIONS, KEY_BYTES, 'sha256')
  const keyOf = (label: string) => createHmac('sha256', saltedPassword).update(label).digest()
  const storedKey = createHash('sha256').update(keyOf('Client Key')).digest('base64')
  const serverKey = keyOf('Server Key').toString('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`
}
