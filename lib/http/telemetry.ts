import type { Logger } from '@aws-lambda-powertools/logger'
import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import type { Fault } from '../faults/faults.ts'
import { type Outcome, SUCCESSES } from './outcomes.ts'
import type { Timings } from './timings.ts'

/**
 * Returns functions that record how a request ended, and warnings: one log line each, and the metrics `Successes`,
 * `Rejections`, `Faults` and `Warnings` (in total and by code), `HashMs`, `DatabaseMs` and `DatabaseRetries`. They
 * record no username, password or body: more people read logs than the table of users.
 */
export function createTelemetry(logger: Logger, metrics: Metrics) {
  /** Counts in total, for alarms, and by code, for diagnosis. */
  const count = (name: 'Successes' | 'Rejections' | 'Faults' | 'Warnings', code: string) => {
    metrics.addMetric(name, MetricUnit.Count, 1)
    metrics.singleMetric().addDimension('code', code).addMetric(name, MetricUnit.Count, 1)
  }

  const addTimings = ({ hashMs, databaseMs, databaseRetries }: Timings) => {
    if (hashMs !== undefined) metrics.addMetric('HashMs', MetricUnit.Milliseconds, hashMs)
    if (databaseMs !== undefined) {
      metrics.addMetric('DatabaseMs', MetricUnit.Milliseconds, databaseMs)
    }
    if (databaseRetries !== undefined) {
      metrics.addMetric('DatabaseRetries', MetricUnit.Count, databaseRetries)
    }
  }

  return {
    /** Records a success, or a client error. */
    recordOutcome(outcome: Outcome, timings: Timings): void {
      addTimings(timings)
      if (outcome.ok) {
        const { code, userId, rehash } = outcome
        logger.info(SUCCESSES[code].message, { code, userId, rehash, ...timings })
        count('Successes', code)
      } else {
        const userId = 'userId' in outcome ? outcome.userId : undefined
        logger.info('rejected', { code: outcome.reason, userId, ...timings })
        count('Rejections', outcome.reason)
      }
    },

    /** Records a server error: its cause, and nothing that the client sent. */
    recordFault({ reason, ...fault }: Fault, timings: Timings = {}): void {
      addTimings(timings)
      logger.error('fault', { code: reason, ...fault, ...timings })
      count('Faults', reason)
    },

    /** Records a problem that fails no request yet, and its cause if that is an error. */
    recordWarning(code: string, { reason: _, ...fault }: Partial<Fault> = {}): void {
      logger.warn('warning', { code, ...fault })
      count('Warnings', code)
    },
  }
}
