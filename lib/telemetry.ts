import type { Logger } from '@aws-lambda-powertools/logger'
import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import type { Fault } from './faults.ts'
import type { Outcome } from './responses.ts'
import type { Timings } from './timings.ts'

/**
 * Records how a request ended: one log line, and the metrics `SignUps`, `Refusals` and `Faults` (both also by
 * code), `HashMs`, `DatabaseMs` and `DatabaseRetries`. Never a username, a password or a body: more people read
 * logs than the table of users.
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
    /** Records a sign-up, or a client error. */
    recordOutcome(outcome: Outcome, timings: Timings): void {
      addTimings(timings)
      if (outcome.ok) {
        logger.info('signed up', { code: 'created', userId: outcome.userId, ...timings })
        metrics.addMetric('SignUps', MetricUnit.Count, 1)
      } else {
        logger.info('refused', { code: outcome.reason, ...timings })
        count('Refusals', outcome.reason)
      }
    },

    /** Records a server error: its cause, and nothing that the client sent. */
    recordFault({ reason, ...signs }: Fault): void {
      logger.error('fault', { code: reason, ...signs })
      count('Faults', reason)
    },
  }
}
