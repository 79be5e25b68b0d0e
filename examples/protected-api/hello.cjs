/** Greets the user of a token that API Gateway has verified. The claims are text. */
exports.handler = async ({ requestContext }) => {
  const { preferred_username: name, sub } = requestContext.authorizer.jwt.claims
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify({ message: `Hello, ${name}`, id: Number(sub) }),
  }
}
