/**
 * Runs every audit of GraphQL over HTTP against one server and prints what each found, as one line of JSON.
 *
 * node audit.mjs URL, the token on standard input; the answer is [{id, name, status, reason}], `status` one of ok, notice, warn, error.
 */
import { text } from "node:stream/consumers";
import { auditServer } from "graphql-http";

const [url] = process.argv.slice(2);
const token = (await text(process.stdin)).trim();

/** `fetch` as the one whose token it is. */
function asOwner(address, init = {}) {
  return fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
}

const found = await auditServer({ url, fetchFn: asOwner });
console.log(JSON.stringify(found.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
