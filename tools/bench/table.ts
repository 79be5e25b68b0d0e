import type { Figure, Row } from './figures.ts'

/** The rows as a Markdown table: medians, quartiles, and what the median is to be at most. */
export function resultTable(rows: readonly Row[]): string {
  return [
    '| | median | quartiles | at most | |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(line),
  ].join('\n')
}

function line(row: Row): string {
  const cells =
    'missing' in row
      ? [row.what, 'not measured', '', '', row.missing]
      : [row.what, figure(row), spread(row), aim(row), row.detail]
  return `| ${cells.join(' | ')} |`
}

function figure({ summary, digits, unit }: Figure): string {
  return withUnit(summary.median.toFixed(digits), unit)
}

function spread({ summary, digits }: Figure): string {
  if (summary.count === 1) return ''
  return `${summary.lower.toFixed(digits)} to ${summary.upper.toFixed(digits)}`
}

function aim({ atMost, unit }: Figure): string {
  return atMost === undefined ? '' : withUnit(String(atMost), unit)
}

const withUnit = (value: string, unit: Figure['unit']) => (unit ? `${value} ${unit}` : value)
