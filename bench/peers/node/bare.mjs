/** graphql-jit, undici and dataloader on `node:http` alone: what remains of a Node gateway when its server library is left out. */
import "./shared/production.mjs";
import { createServer } from "node:http";
import { parse, validate } from "graphql";
import { compileQuery, isCompiledQuery } from "graphql-jit";
import { Loaders } from "./shared/graph.mjs";
import { authenticated, listen } from "./shared/listen.mjs";
import { options } from "./shared/options.mjs";
import { schemaIn } from "./shared/schema.mjs";
import { verifier } from "./shared/tokens.mjs";
import { reader } from "./shared/undici.mjs";

const REMEMBERED = 1_000;
const LARGEST = 1_000_000; // bytes of a request's body

const { port, upstream, jwtKey, schema: text } = options();
const schema = schemaIn(text);
const read = reader(upstream);
const compiled = new Map();

/** The compiled operation, or `{errors}`. */
function operation(query, name) {
  const slot = name ? `${name}\n${query}` : query;
  const known = compiled.get(slot);
  if (known !== undefined) return known;
  const made = compile(query, name);
  if (compiled.size >= REMEMBERED) compiled.delete(compiled.keys().next().value);
  compiled.set(slot, made);
  return made;
}

function compile(query, name) {
  try {
    const document = parse(query);
    const errors = validate(schema, document);
    if (errors.length) return { errors };
    const made = compileQuery(schema, document, name);
    return isCompiledQuery(made) ? made : { errors: made.errors };
  } catch (error) {
    return { errors: [error] };
  }
}

function respond(response, status, body) {
  const content = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", "content-length": content.length });
  response.end(content);
}

const refuse = (response, status, message) => respond(response, status, { errors: [{ message }] });

async function run(response, body, claims) {
  let asked;
  try {
    asked = JSON.parse(body);
  } catch {
    return refuse(response, 400, "the body is no JSON");
  }
  if (typeof asked?.query !== "string") return refuse(response, 400, "`query` is missing");
  const found = operation(asked.query, asked.operationName);
  if (found.errors) return respond(response, 400, { errors: found.errors });
  return respond(response, 200, await found.query({}, { claims, loaders: new Loaders(read) }, asked.variables ?? {}));
}

function answer(request, response, claims) {
  if (request.url !== "/graphql") return refuse(response, 404, "nothing is here: try `/graphql`");
  if (request.method !== "POST") return refuse(response, 405, "send `POST`");
  const chunks = [];
  let size = 0;
  request.on("data", (chunk) => {
    size += chunk.length;
    if (size <= LARGEST) chunks.push(chunk);
  });
  request.on("end", () => {
    if (size > LARGEST) return refuse(response, 413, `the body has more than ${LARGEST} bytes`);
    return run(response, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks), claims).catch((error) =>
      refuse(response, 500, error.message),
    );
  });
}

listen(createServer(authenticated(await verifier(jwtKey), answer)), port);
