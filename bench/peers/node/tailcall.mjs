/**
 * What `tailcall.sh` needs beside Tailcall: `node tailcall.mjs configure FOLDER --port P ...` writes its configuration, made of
 * bench/schema.graphql and the links of shared/graph.mjs; `node tailcall.mjs await FOLDER --port P ...` prints `ready` once it listens.
 */
import { createPublicKey } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, print, visit } from "graphql";
import { LINKS } from "./shared/graph.mjs";
import { options } from "./shared/options.mjs";

const [action, folder] = process.argv.splice(2, 2);
const { port, upstream, jwtKey, schema } = options();

// No path of `select` names the first of a list, so Tailcall's own script hook takes it.
const SCRIPT = "function first(body) { return JSON.stringify(JSON.parse(body).data[0] ?? null); }\n";

const quoted = (value) => JSON.stringify(value);

function http(path, query, more) {
  const pairs = Object.entries(query).map(([key, value]) => `{key: ${quoted(key)}, value: ${quoted(value)}}`);
  return `@http(url: ${quoted(`${upstream}/${path}`)}, query: [${pairs.join(", ")}], ${more})`;
}

/** The directive of a field; undefined for a leaf; null for what Tailcall cannot be told by configuration. */
function directive(type, field) {
  if (type === "Query" && field === "account") return http("crm/accounts", { ids: "{{.args.id}}" }, 'onResponseBody: "first"');
  if (type === "Query" && field === "accounts")
    return http("crm/accounts", { region: "{{.args.region}}", limit: "{{.args.first}}" }, 'select: "{{.data}}"');
  if (type === "Query") return null;
  const link = type === "Account" ? LINKS[field] : undefined;
  if (!link) return undefined;
  const query = { [link.parameter]: "{{.value.id}}", ...link.filter };
  return http(`${link.system}/${link.resource}`, query, `batchKey: ["data", ${quoted(link.by)}]`);
}

const UNUSED = new Set(["OrderLine", "Validation", "Check", "ValidatedLine"]);

function configuration() {
  let owner = "";
  const types = visit(parse(readFileSync(schema, "utf8")), {
    InputObjectTypeDefinition: () => null,
    ObjectTypeDefinition(node) {
      owner = node.name.value;
      return UNUSED.has(owner) ? null : undefined;
    },
    FieldDefinition(node) {
      const text = directive(owner, node.name.value);
      if (!text) return text;
      // At the roots only: on a type it is judged anew for every object.
      return withDirectives(node, owner === "Query" && jwtKey ? `${text} @protected` : text);
    },
  });
  return `schema
  @server(port: ${port}, hostname: "127.0.0.1", workers: 1, introspection: false)
  @upstream(batch: {delay: 1, maxSize: 1000}, poolMaxIdlePerHost: 64)
  @link(src: "first.js", type: Script)
  ${jwtKey ? '@link(src: "jwks.json", type: Jwks)' : ""}
  { query: Query }
${print(types)}`;
}

function withDirectives(node, text) {
  const [{ directives }] = parse(`scalar S ${text}`).definitions;
  return { ...node, directives: [...node.directives, ...directives] };
}

function configure() {
  writeFileSync(join(folder, "first.js"), SCRIPT);
  if (jwtKey) {
    const key = createPublicKey(readFileSync(jwtKey)).export({ format: "jwk" });
    const keys = [{ ...key, kid: "bench", alg: "EdDSA", use: "sig" }];
    writeFileSync(join(folder, "jwks.json"), JSON.stringify({ keys }));
  }
  writeFileSync(join(folder, "tailcall.graphql"), configuration());
}

function listens() {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(socket.destroy() && true)).once("error", () => resolve(false));
  });
}

async function awaitReady() {
  for (let tries = 0; tries < 200; tries++) {
    if (await listens()) {
      rmSync(folder, { recursive: true });
      return console.log("ready");
    }
    await sleep(50);
  }
  process.exitCode = 1;
}

await (action === "configure" ? configure() : awaitReady());
