import assert from 'node:assert/strict'
import { at, entriesOf, textsOf } from '../support/yaml.ts'

/** Returns a template with values for its parameters and AWS's own in each `!Sub`. */
export function fillTemplate(template: unknown, values: Readonly<Record<string, string>>): unknown {
  const all: typeof values = {
    'AWS::AccountId': '000000000000',
    'AWS::Partition': 'aws',
    'AWS::Region': 'eu-central-1',
    ...values,
  }
  const text = JSON.stringify(template)
  return JSON.parse(text.replace(/\$\{([\w:]+)\}/g, (ref, name) => all[name] ?? ref))
}

/** The resources of a policy's statement. */
export const resourcesOf = (statement: unknown) => textsOf(at(statement, 'Resource'))
/** The actions of a policy's statement. */
export const actionsOf = (statement: unknown) => textsOf(at(statement, 'Action'))

type Keys = Readonly<Record<string, string>>
/** A call of AWS: action, resource, condition keys. */
export type Call = readonly [action: string, resource: string, keys?: Keys]

const matches = (pattern: string, text: string) =>
  new RegExp(`^${pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(
    text,
  )

/** The documents' conditions, of IAM's own (AWS, "IAM JSON policy elements: Condition operators"). */
const OPERATORS: Readonly<
  Record<string, (wanted: string[], found: string | undefined) => boolean>
> = {
  StringEquals: (wanted, found) => found !== undefined && wanted.includes(found),
  StringEqualsIfExists: (wanted, found) => found === undefined || wanted.includes(found),
  Bool: (wanted, found) => found !== undefined && wanted.includes(found),
  // Of the services of a chain, the calls below name one.
  'ForAnyValue:StringEquals': (wanted, found) => found !== undefined && wanted.includes(found),
  ArnEquals: (wanted, found) =>
    wanted.some((pattern) => found !== undefined && matches(pattern, found)),
}

/** Returns true if the statements allow a call; none of them denies. */
export const isAllowed = (statements: readonly unknown[], [action, resource, keys = {}]: Call) =>
  statements.some(
    (statement) =>
      actionsOf(statement).some((pattern) => matches(pattern, action)) &&
      resourcesOf(statement).some((pattern) => matches(pattern, resource)) &&
      entriesOf(at(statement, 'Condition')).every(([operator, tests]) =>
        entriesOf(tests).every(([key, wanted]) => {
          const test = OPERATORS[operator]
          assert.ok(test, operator)
          return test(textsOf(wanted), keys[key])
        }),
      ),
  )
