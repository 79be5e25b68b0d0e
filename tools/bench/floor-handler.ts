import { createHmac } from 'node:crypto'
import { request } from 'node:https'

/** Exported, since the bundler leaves out what nothing uses, Node's own modules among it. */
export const loaded = [createHmac, request]

/** The least that a handler loads which calls AWS: what start-up is compared with. */
export const handler = async () => ({ statusCode: 200 })
