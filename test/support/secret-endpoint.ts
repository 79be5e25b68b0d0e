import { randomUUID } from 'node:crypto'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { type HttpRequest, type ScriptedHttpResponse, serveHttp } from './http-endpoint.ts'
import type { CleanUps } from './temporary-database.ts'

type Input = Readonly<Record<string, unknown>>

/**
 * Creates a secret like those of Secrets Manager: versions with labels, of which each is on one version at a time,
 * and the date of the last change by `now`. `handle` returns AWS's response to a request for it, or AWS's error.
 */
export function createSecret(text: string, now: () => number = Date.now) {
  const versions = new Map<string, { text: string; labels: Set<string> }>()
  let changedAt = now()

  const withLabel = (label: string) => [...versions].find(([, { labels }]) => labels.has(label))
  function attach(label: string, id: string) {
    const [previousId] = withLabel(label) ?? []
    if (previousId === id) return
    if (previousId) versions.get(previousId)?.labels.delete(label)
    versions.get(id)?.labels.add(label)
    if (label === 'AWSCURRENT' && previousId) attach('AWSPREVIOUS', previousId)
    changedAt = now()
  }
  function put(value: unknown, labels: readonly string[]) {
    const id = randomUUID()
    versions.set(id, { text: String(value), labels: new Set() })
    for (const label of labels) attach(label, id)
    return id
  }
  put(text, ['AWSCURRENT'])

  const actions: Readonly<Record<string, (input: Input) => object>> = {
    GetSecretValue({ VersionStage: label = 'AWSCURRENT' }) {
      const [id, version] = withLabel(String(label)) ?? []
      if (version === undefined) return fail('ResourceNotFoundException', `No ${label}`)
      return { SecretString: version.text, VersionId: id }
    },
    PutSecretValue({ SecretString, VersionStages }) {
      const labels = Array.isArray(VersionStages) ? VersionStages : ['AWSCURRENT']
      return { VersionId: put(SecretString, labels) }
    },
    DescribeSecret() {
      const staged = [...versions].filter(([, { labels }]) => labels.size > 0)
      const VersionIdsToStages = staged.map(([id, { labels }]) => [id, [...labels]])
      return {
        VersionIdsToStages: Object.fromEntries(VersionIdsToStages),
        LastChangedDate: changedAt / 1000,
      }
    },
    UpdateSecretVersionStage({ VersionStage, MoveToVersionId: to, RemoveFromVersionId: from }) {
      const label = String(VersionStage)
      const [previousId] = withLabel(label) ?? []
      if (previousId !== from && (from !== undefined || previousId !== undefined)) {
        return fail('InvalidParameterException', `${label} is on ${previousId}, not on ${from}`)
      }
      if (to !== undefined) attach(label, String(to))
      else if (label === 'AWSCURRENT') return fail('InvalidParameterException', 'No AWSCURRENT')
      else if (previousId) {
        versions.get(previousId)?.labels.delete(label)
        changedAt = now()
      }
      return {}
    },
  }
  return {
    handle(action: string, input: Input): ScriptedHttpResponse {
      const result = actions[action]?.(input) ?? fail('UnknownOperationException', action)
      const isError = Object.hasOwn(result, '__type')
      return {
        status: isError ? 400 : 200,
        headers: { 'content-type': 'application/x-amz-json-1.1' },
        body: JSON.stringify(result),
      }
    },
    /** Returns the texts by label. */
    labels: (): Readonly<Record<string, string>> =>
      Object.fromEntries(
        [...versions.values()].flatMap(({ text, labels }) =>
          [...labels].map((label) => [label, text]),
        ),
      ),
    put,
  }
}

const fail = (__type: string, message: string) => ({ __type, message })

/** Returns the operation of Secrets Manager that a request calls, or ''. */
export const secretAction = ({ headers }: HttpRequest): string =>
  /^secretsmanager\.(\w+)$/.exec(String(headers['x-amz-target']))?.[1] ?? ''

/**
 * Serves the secret as Secrets Manager does, with a client of the SDK, until the test `t` ends; `actions` are the
 * operations called.
 */
export async function serveSecret(t: CleanUps, secret: ReturnType<typeof createSecret>) {
  const actions: string[] = []
  const { url } = await serveHttp(t, (request) => {
    const action = secretAction(request)
    actions.push(action)
    return secret.handle(action, JSON.parse(request.body))
  })
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = new SecretsManagerClient({ endpoint: url, region: 'eu-west-1', credentials })
  t.after(async () => client.destroy())
  return { url, actions, client }
}
