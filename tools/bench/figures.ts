import type { Summary } from './statistics.ts'

/** One row of the result. */
export type Row = Figure | Missing

/** Something measured. */
export interface Figure {
  readonly what: string
  readonly summary: Summary
  /** `''` for a ratio or a count. */
  readonly unit: '' | 'ms' | 'KB' | 'MB'
  /** Digits after the point that the noise lets mean something. */
  readonly digits: number
  /** What the median is to be at most, if that is laid down. */
  readonly atMost?: number
  /** What it is made of, in a few words. */
  readonly detail: string
}

/** Something that could not be measured here, and why. */
export interface Missing {
  readonly what: string
  readonly missing: string
}

/** Why a row that needs a server of its own is missing. */
export const NEEDS_SERVER = 'DATABASE_URL is not set: it needs a Postgres server'

/** Bytes in a KB and a KB in a MB, as the budgets count them: thousands. */
export const KB = 1000

/** A figure that was counted and does not vary. */
export const exactly = (value: number): Summary => ({
  median: value,
  lower: value,
  upper: value,
  count: 1,
})
