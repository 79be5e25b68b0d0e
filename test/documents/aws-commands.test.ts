import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { at, entriesOf, readText } from '../support/yaml.ts'

const require = createRequire(import.meta.url)

/** Options that the AWS command line has for every command. */
const GLOBAL = ['region', 'query', 'output', 'profile', 'generate-cli-skeleton']

/** Commands of the AWS command line that are not operations of a service, with their options. */
const CUSTOM: Readonly<Record<string, readonly string[]>> = {
  'cloudformation deploy': ['stack-name', 'template-file', 'capabilities', 'parameter-overrides'],
  'logs tail': ['since', 'filter-pattern'],
}

/** The packages of services whose name on the command line is another. */
const CLIENTS: Readonly<Record<string, string>> = {
  logs: 'cloudwatch-logs',
  apigatewayv2: 'apigatewayv2',
  secretsmanager: 'secrets-manager',
}

const flat = (name: string) => name.replaceAll('-', '').toLowerCase()

/** Returns the members of an operation's input, and the required ones, by the SDK's own schema. */
function inputOf(service: string, command: string) {
  const client: object = require(`@aws-sdk/client-${CLIENTS[service] ?? service}`)
  const find = (name: string) =>
    Object.keys(client).find((key) => key.toLowerCase() === name.toLowerCase())
  const [verb = '', waiter = ''] = command.split(' ')
  if (verb === 'wait') {
    const name = find(`waitUntil${flat(waiter)}`)
    assert.ok(name, `${service} has no waiter ${waiter}`)
    return inputOf(
      service,
      waiter.startsWith('db-cluster') ? 'describe-db-clusters' : 'describe-db-instances',
    )
  }
  const name = find(`${flat(verb)}$`)
  assert.ok(name, `${service} has no command ${verb}`)
  const input = at(Reflect.get(client, name), 4)
  const schema = typeof input === 'function' ? input() : input
  const members = entriesOf(Object.fromEntries(Object.entries(Object(at(schema, 4))))).map(
    ([, member]) => flat(String(member)),
  )
  return { members, required: members.slice(0, Number(at(schema, 6) ?? 0)) }
}

interface Line {
  readonly file: string
  readonly service: string
  readonly command: string
  readonly options: readonly string[]
}

/** Every `aws …` of the documents' shell blocks, with the names of its options. */
function awsLines(): Line[] {
  const files = execFileSync('git', ['ls-files', '*.md'], { encoding: 'utf8' }).trim().split('\n')
  return files.flatMap((file) => {
    const blocks = readText(file).match(/^ *```sh\n.*?^ *```/gms) ?? []
    const text = blocks.join('\n').replaceAll(/\\\n\s*/g, ' ')
    return Array.from(
      text.matchAll(
        /(?:^|\$\(|[;{&|]|until|do)\s*aws ([a-z][\w-]*) (wait [\w-]+|[\w-]+)((?:"[^"]*"|'[^']*'|[^\n;|)])*)/gm,
      ),
      ([, service = '', command = '', rest = '']) => {
        // Options of a nested command belong to that command.
        const own = rest.replaceAll(/"\$\([^)]*\)"|"[^"]*"|'[^']*'/g, '""')
        const options = Array.from(own.matchAll(/(?<=\s)--([\w-]+)/g), ([, name = '']) => name)
        return { file, service, command, options }
      },
    )
  })
}

test('each aws command of the documents exists, with its options and all that it requires', () => {
  const lines = awsLines()
  assert.ok(lines.length > 25, `${lines.length}`)
  for (const { file, service, command, options } of lines) {
    const label = `${file}: aws ${service} ${command}`
    const custom = CUSTOM[`${service} ${command}`]
    const { members, required } = custom
      ? { members: custom.map(flat), required: [] }
      : inputOf(service, command)
    const given = options.filter((option) => !GLOBAL.includes(option)).map(flat)
    for (const option of given) {
      assert.ok(
        members.includes(option) || members.includes(option.replace(/^no/, '')),
        `${label} --${option}`,
      )
    }
    // This option prints an example and sends nothing.
    if (options.includes('generate-cli-skeleton')) continue
    for (const member of required) assert.ok(given.includes(member), `${label} lacks --${member}`)
  }
})

test('the master’s password of a restored cluster needs a separate command', () => {
  const option = 'managemasteruserpassword'
  assert.ok(!inputOf('rds', 'restore-db-cluster-to-point-in-time').members.includes(option))
  assert.ok(!inputOf('rds', 'restore-db-cluster-from-snapshot').members.includes(option))
  assert.ok(inputOf('rds', 'modify-db-cluster').members.includes(option))
})
