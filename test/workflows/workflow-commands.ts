import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { at, entriesOf, readText } from '../support/yaml.ts'

const scripts = new Map(entriesOf(at(JSON.parse(readText('package.json')), 'scripts')))

/** osls's commands by name, as its own command line knows them. */
const commands: unknown = createRequire(import.meta.url)(
  'serverless/lib/cli/commands-schema/aws-service',
)

/** The files of this repository that package.json's scripts run with node, by script. */
export const scriptFiles = new Map<string, string>()
for (const [name, script] of scripts) {
  const file = /(?:^|&& )node (\S+\.ts)$/.exec(String(script))?.[1]
  if (file !== undefined) scriptFiles.set(name, file)
}

/** Fails unless all that a step's shell text calls through npm and npx exists and knows its options. */
export function assertCallsExist(run: string): void {
  for (const [, program, rest = ''] of run.matchAll(/\b(npm|npx)\s+([^\n;|&)]*)/g)) {
    const [verb = '', ...words] = rest.trim().split(/\s+/)
    if (program === 'npx') assertNpx(verb, words)
    else if (verb === 'run') assertScript(words)
    else if (verb === 'test') assert.ok(scripts.has(verb))
    else assertNpm(verb, words)
  }
}

/** npm's own commands that a workflow may call, with all that may follow: npm itself takes any option. */
const npmCommands: Readonly<Record<string, RegExp>> = {
  ci: /^(--ignore-scripts)?$/,
  audit: /^(signatures|(--omit=dev )?--audit-level=(info|low|moderate|high|critical))$/,
}

function assertNpm(verb: string, words: readonly string[]): void {
  assert.match(words.join(' '), npmCommands[verb] ?? /^(?!)/, `What is npm ${verb} ${words}?`)
}

function assertNpx(program: string, words: readonly string[]): void {
  assert.equal(program, 'serverless')
  const option = words.findIndex((word) => word.startsWith('--'))
  assertServerless(words.slice(0, option), optionsIn(words))
}

function assertScript(words: readonly string[]): void {
  const [name = '', ...rest] = words.filter((word) => word !== '--silent')
  assert.ok(scripts.has(name), `package.json has no script "${name}".`)
  const options = optionsIn(rest)
  assert.ok(options.length === 0 || rest[0] === '--', `npm would take --${options[0]} for its own.`)
  // What npm adds to a script is the last command's.
  const [last = '', ...earlier] = String(scripts.get(name)).split(' && ').reverse()
  for (const command of earlier) assertPart(command, [])
  assertPart(last, options)
  const file = scriptFiles.get(name)
  if (file !== undefined) assertParsed(file, options)
}

function assertPart(command: string, options: readonly string[]): void {
  const [program, ...words] = command.split(' ')
  if (program === 'serverless') assertServerless(words, options)
}

/** Fails unless osls has the command, such as `deploy`, and it knows the options. */
function assertServerless(words: readonly string[], options: readonly string[]): void {
  const name = words.join(' ')
  assert.ok(commands instanceof Map)
  assert.ok(commands.has(name), `serverless has no command "${name}".`)
  const known = entriesOf(at(commands.get(name), 'options')).map(([option]) => option)
  for (const option of options) {
    assert.ok(known.includes(option), `serverless ${name} knows no --${option}.`)
  }
}

/** Fails unless the file's own call of parseArgs names the options. */
function assertParsed(file: string, options: readonly string[]): void {
  const source = readText(file)
  for (const option of options) {
    assert.match(source, new RegExp(`['"]?\\b${option}['"]?: {\\s*type: `), `${file}: --${option}?`)
  }
}

/** The names of a command's options, `${A:+--option b}` of the shell among them. */
const optionsIn = (words: readonly string[]) =>
  words.flatMap((word) => /^(?:\$\{\w+:\+)?--(\w[\w-]*)/.exec(word)?.[1] ?? [])
