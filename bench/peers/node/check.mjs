/**
 * Asks a gateway the benchmark's documents and prints the answers canonically, so that two gateways' can be compared:
 * `node check.mjs --port P --token FILE [--documents FOLDER]`. Ends with 1 where an answer is no 200 or has errors,
 * or where somebody without a good token is let in.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    token: { type: "string" },
    documents: { type: "string", default: fileURLToPath(new URL("../../documents", import.meta.url)) },
  },
});
const token = readFileSync(values.token, "utf8").trim();
const line = (product, quantity) => ({ product, quantity });

/** What else each document is asked with, beside the variables in its file. */
const MORE = {
  lookup: [{ id: "C-064" }, { id: "nobody" }],
  customer_360: [{ id: "C-017" }, { id: "R02-003" }, { id: "nobody" }],
  portal_list: [{ region: "R16", first: 50 }, { region: "R02", first: 3 }, { region: "nowhere", first: 5 }],
  validate_order: [
    { account: "C-009", entity: "E2", lines: [line("P-01", 0), line("P-08", 501), line("nothing", 1)] },
    { account: "C-010", entity: "E1", lines: [line("P-03", 500), line("P-03", 500), line("P-02", 2000)] },
    { account: "nobody", entity: "E9", lines: [] },
  ],
};

async function ask(query, variables, authorization) {
  const answered = await fetch(`http://127.0.0.1:${values.port}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(authorization && { authorization }) },
    body: JSON.stringify({ query, variables }),
  });
  return { status: answered.status, body: await answered.json().catch(() => null) };
}

function canonical(value) {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, canonical(value[name])]));
}

const answers = {};
for (const file of readdirSync(values.documents).filter((name) => name.endsWith(".graphql")).sort()) {
  const name = file.replace(".graphql", "");
  const query = readFileSync(join(values.documents, file), "utf8");
  const given = JSON.parse(readFileSync(join(values.documents, `${name}.json`), "utf8"));
  for (const variables of [given, ...(MORE[name] ?? [])]) {
    const { status, body } = await ask(query, variables, `Bearer ${token}`);
    if (status !== 200 || body?.errors) process.exitCode = 1;
    answers[`${name} ${JSON.stringify(variables)}`] = status === 200 ? canonical(body) : { status, body };
  }
}
for (const [what, bad] of Object.entries({ none: undefined, nonsense: "Bearer nonsense", changed: `Bearer ${token}x` })) {
  const { body } = await ask('{ account(id: "C-001") { id } }', {}, bad);
  if (body?.data?.account || !body?.errors) process.exitCode = 1;
  answers[`authorization ${what}`] = body?.data?.account ? "let in" : "refused";
}
console.log(JSON.stringify(answers, null, 1));
