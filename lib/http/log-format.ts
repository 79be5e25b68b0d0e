import { LogFormatter, LogItem } from '@aws-lambda-powertools/logger'
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types'

/**
 * The fields of a log line: time, level, message and request. Powertools' own format adds the function's
 * ARN and memory to every line, and the log group already identifies the function.
 */
export class LogFormat extends LogFormatter {
  override formatAttributes(
    { logLevel, message, timestamp, serviceName, lambdaContext }: UnformattedAttributes,
    additional: LogAttributes,
  ): LogItem {
    const attributes = {
      level: logLevel,
      message,
      timestamp: timestamp.toISOString(),
      service: serviceName,
      requestId: lambdaContext?.awsRequestId,
      coldStart: lambdaContext?.coldStart,
    }
    return new LogItem({ attributes }).addAttributes(additional)
  }
}
