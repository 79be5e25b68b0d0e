import { SQL_TOKEN } from '../../database/sql.ts'
import { DataApiError, multistatements } from './errors.ts'

/** SQL with `$1`, `$2`, … in place of `:name`, and the name behind each, in order. */
interface PositionalSql {
  readonly text: string
  readonly names: readonly string[]
}

/** White space and comments before a statement's first word. */
const LEADING = /^(?:\s|--[^\n]*|\/\*.*?\*\/)*/s

/** A statement that begins or ends a transaction, savepoints excepted. */
const TRANSACTION_CONTROL =
  /^(?:begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!\s+(?:(?:work|transaction)\s+)?to\b))\b/i

const COPY = /^copy\b/i

/**
 * Translates the Data API's named parameters to Postgres's positional ones. Throws AWS's error for more than one
 * statement, for COPY, and for transaction control, which would leave a transaction open in the session. Nested
 * block comments are not supported.
 */
export function toPositional(sql: string): PositionalSql {
  assertPlainStatement(sql.replace(LEADING, ''))
  const names: string[] = []
  let text = ''
  let end = 0
  let isComplete = false
  for (const { 0: token, index, groups } of sql.matchAll(SQL_TOKEN)) {
    const { comment, name, semicolon } = groups ?? {}
    if (isComplete && comment === undefined && semicolon === undefined) throw multistatements()
    if (semicolon !== undefined) isComplete = true
    text += sql.slice(end, index) + (name === undefined ? token : `$${names.push(name)}`)
    end = index + token.length
  }
  return { text: text + sql.slice(end), names }
}

function assertPlainStatement(statement: string): void {
  if (TRANSACTION_CONTROL.test(statement)) {
    throw new DataApiError(
      'BadRequestException',
      'Use BeginTransaction, CommitTransaction and RollbackTransaction.',
    )
  }
  if (COPY.test(statement)) {
    throw new DataApiError('DatabaseErrorException', 'execute: unexpected message: CopyOutResponse')
  }
}
