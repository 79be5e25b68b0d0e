import type { Logger } from '@aws-lambda-powertools/logger'
import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import type { Fault } from './faults.ts'
import type { Outcome } from './responses.ts'
import type { Timings } from './timings.ts'

/**
 * Tells the log and the metrics how a request ended: one line, and the metrics `SignUps`, `Refusals`
 * and `Faults` (by code), `HashMs`, `DatabaseMs` and `DatabaseRetries`. Never a username, a password or a body: a log is
 * read by more people than a table of users.
 */
export function createTelemetry(logger: Logger, metrics: Metrics) {
  /** Counts in all, for alarms, and by code, for whoever asks why. */
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
    /** A sign-up, or a refusal that the caller can put right. */
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

    /** A fault of ours: the log has its cause, and nothing of what the caller sent. */
    recordFault({ reason, ...signs }: Fault): void {
      logger.error('fault', { code: reason, ...signs })
      count('Faults', reason)
    },
  }
}
