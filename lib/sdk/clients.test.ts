import assert from 'node:assert/strict'
import type { LookupFunction } from 'node:net'
import { test } from 'node:test'
import { json, SECRET_KEY, serveSdk } from '../../test/support/sdk-endpoint.ts'
import { signatureOf } from '../../test/support/signature.ts'
import {
  ExecuteStatementCommand,
  GetSecretValueCommand,
  RDSDataClient,
  SecretsManagerClient,
} from './clients.ts'

const STATEMENT = { sql: 'SELECT :name', parameters: [{ value: { stringValue: 'Zoë 😀' } }] }

const SERVICES = [
  {
    service: 'rds-data',
    variable: 'AWS_ENDPOINT_URL_RDS_DATA',
    createClient: RDSDataClient,
    command: ExecuteStatementCommand(STATEMENT),
    body: JSON.stringify(STATEMENT),
    path: '/Execute',
    headers: { 'content-type': 'application/json' },
  },
  {
    service: 'secretsmanager',
    variable: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
    createClient: SecretsManagerClient,
    command: GetSecretValueCommand({ SecretId: 'arn:jwt' }),
    body: '{"SecretId":"arn:jwt"}',
    path: '/',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'secretsmanager.GetSecretValue',
    },
  },
]

for (const { service, variable, createClient, command, body, path, headers } of SERVICES) {
  test(`a command of ${service} is a signed POST of JSON`, async (t) => {
    const { url, requests } = await serveSdk(t, [json(200, {})])
    const client = createClient()
    t.after(client.destroy)
    await client.send(command)

    const [request] = requests
    assert.ok(request !== undefined && requests.length === 1)
    const {
      authorization,
      'x-amz-date': date,
      'x-amz-content-sha256': _,
      ...sent
    } = request.headers
    assert.deepEqual([request.method, request.path, request.body], ['POST', path, body])
    assert.deepEqual(sent, {
      ...headers,
      host: new URL(url).host,
      connection: 'keep-alive',
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': `latchkey nodejs/${process.versions.node}`,
      'x-amz-security-token': 'token',
    })
    const scope = `KEY/${String(date).slice(0, 8)}/eu-central-1/${service}/aws4_request`
    assert.ok(String(authorization).startsWith(`AWS4-HMAC-SHA256 Credential=${scope}, `))
    assert.match(String(authorization), /SignedHeaders=[^,]*host;.*x-amz-security-token/)
    assert.equal(authorization, signatureOf(request, SECRET_KEY))
  })

  for (const base of ['/data/api', '/data/api/']) {
    test(`${service} may be under a path of its own: ${base}`, async (t) => {
      const { url, requests } = await serveSdk(t, [json(200, {})])
      Object.assign(process.env, { AWS_ENDPOINT_URL: 'http://x.invalid', [variable]: url + base })
      const client = createClient({ maxAttempts: 1 })
      t.after(client.destroy)
      await client.send(command)
      assert.equal(requests[0]?.path, `/data/api${path}`)
    })
  }

  test(`${service} is asked for by AWS's name for it, over TLS, without an endpoint of one's own`, async (t) => {
    await serveSdk(t, [])
    delete process.env['AWS_ENDPOINT_URL']
    const names: string[] = []
    const lookup: LookupFunction = (name, _, tell) => {
      names.push(name)
      tell(new Error('This test resolves no names.'), '')
    }
    const client = createClient({ maxAttempts: 1, requestHandler: { httpsAgent: { lookup } } })
    await assert.rejects(client.send(command), { message: 'This test resolves no names.' })
    assert.deepEqual(names, [`${service}.eu-central-1.amazonaws.com`])
  })
}

test("the request's trace is sent on, and none where there is none", async (t) => {
  const { requests } = await serveSdk(t, [json(200, {})])
  const client = RDSDataClient()
  t.after(client.destroy)
  await client.send(ExecuteStatementCommand(STATEMENT))
  for (const trace of ['', 'Root=1-2;Sampled=1']) {
    process.env['_X_AMZN_TRACE_ID'] = trace
    await client.send(ExecuteStatementCommand(STATEMENT))
  }
  assert.deepEqual(
    requests.map(({ headers }) => headers['x-amzn-trace-id']),
    [undefined, undefined, 'Root=1-2;Sampled=1'],
  )
})

test('an endpoint without a port is named without one', async (t) => {
  const { url, requests } = await serveSdk(t, [json(200, {})])
  process.env['AWS_ENDPOINT_URL'] = 'http://localhost'
  const { hostname: host, port } = new URL(url)
  const client = RDSDataClient({ requestHandler: { httpAgent: { host, port: Number(port) } } })
  t.after(client.destroy)
  await client.send(ExecuteStatementCommand(STATEMENT))
  assert.equal(requests[0]?.headers['host'], 'localhost')
})

test('an option that would not be heeded is refused by its name', () => {
  const options = { maxAttempts: 1, requestHandler: {}, retryMode: 'adaptive' }
  assert.throws(() => RDSDataClient(options), {
    name: 'TypeError',
    message: 'lib/sdk/ has no option retryMode.',
  })
})
