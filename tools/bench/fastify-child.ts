import { createSecretKey } from 'node:crypto'
import { hash } from 'bcrypt'
import Fastify from 'fastify'
import { SignJWT } from 'jose'
import pg from 'pg'
import { JWT_SECRET } from '../../test/support/handler.ts'

// The same job by other means: Fastify, its schema validation, native bcrypt, pg with its pool.
const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] })
const key = createSecretKey(JWT_SECRET, 'utf8')
const app = Fastify()

interface Body {
  readonly username: string
  readonly password: string
}

const schema = {
  body: {
    type: 'object',
    required: ['username', 'password'],
    properties: {
      username: { type: 'string', minLength: 1, maxLength: 50 },
      password: { type: 'string', minLength: 8, maxLength: 72 },
    },
  },
}

app.post<{ Body: Body }>('/auth/sign-up', { schema }, async ({ body }, reply) => {
  const password = await hash(body.password, Number(process.env['BCRYPT_COST']))
  const { rows } = await pool.query<{ id: number; username: string }>(
    `INSERT INTO users (username, password) VALUES ($1, $2)
     ON CONFLICT (lower(username)) DO NOTHING RETURNING id, username`,
    [body.username, password],
  )
  const [user] = rows
  if (!user) return reply.code(400).send({ err: 'Username already taken' })
  const token = await new SignJWT({ payload: user })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(String(user.id))
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(key)
  return reply.code(201).send({ token })
})

await app.listen({ host: '127.0.0.1', port: 0 })
process.send?.(JSON.stringify(app.server.address()))
