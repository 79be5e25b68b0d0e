import 'node:crypto'
import 'node:https'

/** The least that a handler loads which calls AWS: what start-up is compared with. */
export const handler = async () => ({ statusCode: 200 })
