const { createRemoteJWKSet, jwtVerify } = require('jose')

const issuer = process.env.LATCHKEY_URL || 'http://localhost:3000'
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer))

/** Does what API Gateway's JWT authorizer does on AWS: verifies the token, and passes claims on as text. */
module.exports = (_endpoint, functionKey, method, path) => ({
  name: `latchkey-${functionKey}-${method}-${path}`,
  scheme: `latchkey-${functionKey}-${method}-${path}`,
  getAuthenticateFunction: () => ({
    async authenticate({ headers, raw: { req } }, h) {
      try {
        const token = (headers.authorization ?? '').replace(/^bearer /i, '')
        const options = {
          issuer,
          audience: 'local',
          algorithms: ['RS256'],
          requiredClaims: ['exp'],
        }
        const { payload } = await jwtVerify(token, keys, options)
        const claims = Object.entries(payload).filter(([, value]) => typeof value !== 'object')
        const text = Object.fromEntries(claims.map(([name, value]) => [name, String(value)]))
        // serverless-offline takes the authorizer's result from this header; the last one counts.
        const jwt = { claims: text, scopes: null }
        req.rawHeaders.push('sls-offline-authorizer-override', JSON.stringify({ jwt }))
        return h.authenticated({ credentials: {} })
      } catch {
        return h.response({ message: 'Unauthorized' }).code(401).takeover()
      }
    },
  }),
})
