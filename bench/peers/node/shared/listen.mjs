/** How a gateway's process begins and ends: `ready` on standard output once it listens, SIGTERM ends it. */

/** Listens on 127.0.0.1; `server` is a `node:http` server. */
export function listen(server, port) {
  server.keepAliveTimeout = 60_000;
  server.listen(port, "127.0.0.1", 1024, () => console.log("ready"));
  process.once("SIGTERM", () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}

/** A request handler that answers 401 where `verify` refuses, else calls `answer(request, response, claims)`. */
export function authenticated(verify, answer) {
  return (request, response) => {
    const claims = verify(request.headers.authorization);
    if (!(claims instanceof Promise)) return answer(request, response, claims);
    return claims.then(
      (verified) => answer(request, response, verified),
      (error) => refuse(response, error),
    );
  };
}

function refuse(response, error) {
  const body = { errors: [{ message: error.message, extensions: { code: "UNAUTHENTICATED" } }] };
  response.writeHead(error.status ?? 500, { "content-type": "application/json", "www-authenticate": "Bearer" });
  response.end(JSON.stringify(body));
}
