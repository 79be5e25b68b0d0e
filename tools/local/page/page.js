/* global SwaggerUIBundle */

const dark = matchMedia('(prefers-color-scheme: dark)')
const applyScheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', applyScheme)
applyScheme()

/** The token of a response's body, if it has one. */
function tokenOf(text) {
  try {
    const { token } = JSON.parse(text)
    return typeof token === 'string' ? token : undefined
  } catch {
    return undefined
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
        const token = tokenOf(props.content)
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
  // Sends the latest token with each request, as an app does.
  responseInterceptor(response) {
    const token = tokenOf(response.text)
    if (token !== undefined) ui.preauthorizeApiKey('token', token)
    return response
  },
})
