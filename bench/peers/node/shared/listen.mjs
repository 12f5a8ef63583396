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
