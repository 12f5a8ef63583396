/** The command line every gateway under test understands: `--port P --upstream URL [--jwt-key FILE] [--schema FILE]`. */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const SCHEMA = fileURLToPath(new URL("../../../schema.graphql", import.meta.url));

/** `{port, upstream, jwtKey, schema}`; ends the process with a message where one that is needed is missing. */
export function options() {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      upstream: { type: "string" },
      "jwt-key": { type: "string" },
      schema: { type: "string", default: SCHEMA },
    },
  });
  if (!values.port || !values.upstream) {
    console.error("error: give `--port` and `--upstream`");
    process.exit(2);
  }
  const { port, upstream, "jwt-key": jwtKey, schema } = values;
  return { port: Number(port), upstream: upstream.replace(/\/$/, ""), jwtKey, schema };
}
