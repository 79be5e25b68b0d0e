import { createHmac } from 'node:crypto'
import { request } from 'node:https'

/** Exported, since the bundler leaves out what nothing uses. */
export const loaded = [createHmac, request]

/** The least that a handler loads which calls AWS: the floor of start-up. */
export const handler = async () => ({ statusCode: 200 })
