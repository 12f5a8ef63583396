/**
 * Follows one operation with the clients that browsers use, and prints what it is told, one line of JSON each.
 *
 * node follow.mjs (ws|sse) URL QUERY: tokens on standard input, one a line; each connection takes the next one, the last
 * one serves for all further. Lines: {"connected": n}, {"next": result}, {"error": message or errors}, {"complete": true}.
 */
import { createInterface } from "node:readline";
import { createClient as createEvents } from "graphql-sse";
import { createClient as createSocket } from "graphql-ws";
import WebSocket from "ws";

const [kind, url, query] = process.argv.slice(2);
const tokens = [];
for await (const line of createInterface({ input: process.stdin })) tokens.push(line);

const say = (said) => console.log(JSON.stringify(said));
const token = () => (tokens.length > 1 ? tokens.shift() : tokens[0]);
let connections = 0;
const connected = () => say({ connected: ++connections });
const soon = async () => new Promise((resolve) => setTimeout(resolve, 20));
const retrying = { retryAttempts: 5 };

const client =
  kind === "ws"
    ? createSocket({
        url,
        webSocketImpl: WebSocket,
        connectionParams: () => ({ authorization: token() }),
        retryWait: soon,
        on: { connected },
        ...retrying,
      })
    : createEvents({ url, headers: () => ({ authorization: token() }), retry: soon, on: { connected }, ...retrying });

client.subscribe(
  { query },
  {
    next: (result) => say({ next: result }),
    error: (error) => {
      say({ error: error.message ?? error.reason ?? error });
      process.exit();
    },
    complete: () => {
      say({ complete: true });
      process.exit();
    },
  },
);
