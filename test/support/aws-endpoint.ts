import type { TestContext } from 'node:test'
import { readStageTable } from '../../tools/deploy/stage.ts'
import { type HttpRequest, type ScriptedHttpResponse, serveHttp } from './http-endpoint.ts'
import { createSecret, secretAction } from './secret-endpoint.ts'

/** One deployed stage, as a fake AWS reports it. */
export interface FakeStack {
  /** If absent, the response is AWS's for a stack that does not exist. */
  readonly outputs?: Readonly<Record<string, string>>
  /** True if CloudFormation denies access to it. */
  readonly denied?: boolean
  readonly template?: string
  /** `ApiId` of its deploy role's stack; `null` if access to it is denied, absent if there is none. */
  readonly roleApiId?: string | null
  /** Aurora's version of its cluster, if there is one, and those that the region offers; the pin if absent. */
  readonly running?: string
  readonly offered?: readonly string[]
  /** Of the account's Lambda quota; 1000 if absent. */
  readonly unreserved?: number
  /** The secret of the signing key, which keeps its changes; one with an HS256 key if absent. */
  readonly signingSecret?: ReturnType<typeof createSecret>
  /** Every other secret, or its text. */
  readonly secret?: string | ReturnType<typeof createSecret>
  /** The Data API's response to each statement. */
  readonly statement?: () => ScriptedHttpResponse
}

const PINNED = String(readStageTable('dev')['engineVersion'])

/** The ARN of the master's secret, as RDS reports it. */
export const MASTER_SECRET_ARN = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:master'

/** The outputs of a fully deployed stack. */
export const STACK_OUTPUTS = {
  SignUpUrl: 'https://example.org/auth/sign-up',
  ClusterArn: 'arn:aws:rds:eu-west-1:000000000000:cluster:latchkey-dev',
  AppSecretArn: 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:app',
  JwtSecretArn: 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:jwt',
  DatabaseName: 'latchkey',
} as const

/**
 * Serves, on loopback until the test `t` ends, the few operations of CloudFormation, Secrets Manager, Lambda, RDS and
 * the Data API that commands call for a deployed stage. `env` points every client of the SDK there.
 */
export async function serveAws(t: TestContext, stack: FakeStack) {
  const signingSecret = stack.signingSecret ?? createSecret('k'.repeat(64))
  const { url, requests } = await serveHttp(t, (request) =>
    respondAsAws(request, { ...stack, signingSecret }),
  )
  const env = {
    PATH: process.env['PATH'] ?? '',
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  }
  const statements = (): Record<string, unknown>[] =>
    requests.filter(({ path }) => path === '/Execute').map(({ body }) => JSON.parse(body))
  return { env, requests, statements }
}

function respondAsAws(
  request: HttpRequest,
  stack: FakeStack & Required<Pick<FakeStack, 'signingSecret'>>,
): ScriptedHttpResponse {
  const { path, body } = request
  if (path.startsWith('/2016-08-19/account-settings')) {
    const { unreserved: UnreservedConcurrentExecutions = 1000 } = stack
    return json({ AccountLimit: { UnreservedConcurrentExecutions } })
  }
  if (path === '/Execute') return stack.statement?.() ?? json({ numberOfRecordsUpdated: 1 })
  const secretsAction = secretAction(request)
  if (secretsAction) {
    const input = JSON.parse(body)
    const { secret = '', signingSecret } = stack
    const other = typeof secret === 'string' ? createSecret(secret) : secret
    const isSigningKey = input.SecretId === STACK_OUTPUTS.JwtSecretArn
    return (isSigningKey ? signingSecret : other).handle(secretsAction, input)
  }
  const parameters = new URLSearchParams(body)
  const action = parameters.get('Action')
  if (action === 'DescribeDBClusters') {
    if (!stack.outputs && !stack.running) return xmlError(404, 'DBClusterNotFoundFault', 'none')
    const secret = `<MasterUserSecret><SecretArn>${MASTER_SECRET_ARN}</SecretArn></MasterUserSecret>`
    const version = `<EngineVersion>${stack.running ?? PINNED}</EngineVersion>`
    return xml(action, `<DBClusters><DBCluster>${secret}${version}</DBCluster></DBClusters>`)
  }
  if (action === 'DescribeDBEngineVersions') return xml(action, offer(stack, parameters))
  const isRole = parameters.get('StackName') === 'latchkey-deploy-role-dev'
  const { roleApiId } = stack
  const outputs = isRole ? (roleApiId ? { ApiId: roleApiId } : undefined) : stack.outputs
  if (action === 'DescribeStacks' && outputs) return xml(action, describe(outputs))
  if (action === 'GetTemplate' && stack.template !== undefined) {
    return xml(action, `<TemplateBody>${escapeXml(stack.template)}</TemplateBody>`)
  }
  if (stack.denied || (isRole && roleApiId === null))
    return xmlError(403, 'AccessDenied', 'User is not authorized to do this')
  return xmlError(400, 'ValidationError', 'Stack with id latchkey-dev does not exist')
}

/** Lists one version per page. */
function offer({ offered = [PINNED] }: FakeStack, parameters: URLSearchParams): string {
  const page = Number(parameters.get('Marker') ?? 0)
  const version = offered[page]
  const versions =
    version && `<DBEngineVersion><EngineVersion>${version}</EngineVersion></DBEngineVersion>`
  const marker = page + 1 < offered.length ? `<Marker>${page + 1}</Marker>` : ''
  return `${marker}<DBEngineVersions>${versions ?? ''}</DBEngineVersions>`
}

function describe(outputs: Readonly<Record<string, string>>): string {
  const members = Object.entries(outputs).map(
    ([key, value]) =>
      `<member><OutputKey>${key}</OutputKey><OutputValue>${escapeXml(value)}</OutputValue></member>`,
  )
  return `<Stacks><member><StackName>latchkey-dev</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>
    <CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs>${members.join('')}</Outputs></member></Stacks>`
}

const escapeXml = (text: string) =>
  text.replace(/[<>&]/g, (character) => `&#${character.charCodeAt(0)};`)

const xml = (action: string, result: string): ScriptedHttpResponse => ({
  status: 200,
  headers: { 'content-type': 'text/xml' },
  body: `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`,
})

const xmlError = (status: number, code: string, message: string): ScriptedHttpResponse => ({
  status,
  headers: { 'content-type': 'text/xml' },
  body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code>
    <Message>${message}</Message></Error></ErrorResponse>`,
})

const json = (value: unknown): ScriptedHttpResponse => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})
