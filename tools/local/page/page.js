/* global SwaggerUIBundle */

const dark = matchMedia('(prefers-color-scheme: dark)')
const applyScheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', applyScheme)
applyScheme()

/** The token and the session token of a response's body, where it has them. */
function tokensOf(text) {
  try {
    const { token, sessionToken } = JSON.parse(text)
    return { token, sessionToken }
  } catch {
    return {}
  }
}

/** The claims of a JWT, as text. They are read and not verified. */
function claimsOf(token) {
  const base64 = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')
  const bytes = Uint8Array.from(atob(base64), (char) => char.codePointAt(0))
  return JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)), null, 2)
}

/** A plugin of Swagger UI that shows the claims of a response's token under its body. */
const showClaims = () => ({
  wrapComponents: {
    responseBody: (Original, { React }) =>
      function WithClaims(props) {
        const { token } = tokensOf(props.content)
        const body = React.createElement(Original, props)
        if (token === undefined) return body
        const title = React.createElement('h5', null, 'Claims of the token')
        const claims = React.createElement(
          'pre',
          { className: 'claims microlight' },
          claimsOf(token),
        )
        return React.createElement('div', null, body, title, claims)
      },
  },
})

const ui = SwaggerUIBundle({
  url: '/docs/openapi.json',
  dom_id: '#ui',
  tryItOutEnabled: true,
  defaultModelsExpandDepth: -1,
  plugins: [showClaims],
  // Sends the latest token with each request, and the session token to renew and to sign out, as an app does.
  responseInterceptor(response) {
    const { token, sessionToken } = tokensOf(response.text)
    if (token !== undefined) ui.preauthorizeApiKey('token', token)
    if (sessionToken !== undefined) ui.preauthorizeApiKey('sessionToken', sessionToken)
    return response
  },
})
