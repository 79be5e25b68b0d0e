import type { Logger } from '@aws-lambda-powertools/logger'
import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import type { Fault } from '../faults/faults.ts'
import type { Outcome } from './responses.ts'
import type { Timings } from './timings.ts'

/** The log message and the metric of each success. */
const SUCCESSES = {
  created: ['signed up', 'SignUps'],
  signed_in: ['signed in', 'SignIns'],
  identified: ['identified', 'Identifications'],
  password_changed: ['password changed', 'PasswordChanges'],
  deleted: ['account deleted', 'AccountDeletions'],
  published: ['keys published', 'KeyPublications'],
} as const

/**
 * Records how a request ended: one log line, and the metrics `SignUps`, `SignIns`, `Identifications`,
 * `PasswordChanges`, `AccountDeletions`, `KeyPublications`, `Refusals` and `Faults` (the last two also by code),
 * `HashMs`, `DatabaseMs` and `DatabaseRetries`. Never a username, a password or a body: more people read logs
 * than the table of users.
 */
export function createTelemetry(logger: Logger, metrics: Metrics) {
  /** Counts once in all, for alarms, and once by code, for diagnosis. */
  const count = (name: 'Refusals' | 'Faults', code: string) => {
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
        const { code } = outcome
        const [message, metric] = SUCCESSES[code]
        const user = 'userId' in outcome ? { userId: outcome.userId } : {}
        const rehash = 'rehash' in outcome ? { rehash: outcome.rehash } : {}
        logger.info(message, { code, ...user, ...rehash, ...timings })
        metrics.addMetric(metric, MetricUnit.Count, 1)
      } else {
        logger.info('refused', { code: outcome.reason, ...timings })
        count('Refusals', outcome.reason)
      }
    },

    /** Records a server error: its cause, and nothing that the client sent. */
    recordFault({ reason, ...signs }: Fault, timings: Timings = {}): void {
      addTimings(timings)
      logger.error('fault', { code: reason, ...signs, ...timings })
      count('Faults', reason)
    },
  }
}
