/** The command line every gateway under test understands: `--port P --upstream URL [--jwt-key FILE]`. */
import { parseArgs } from "node:util";

/** `{port, upstream, jwtKey}`; ends the process with a message where one that is needed is missing. */
export function options() {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      upstream: { type: "string" },
      "jwt-key": { type: "string" },
    },
  });
  if (!values.port || !values.upstream) {
    console.error("error: give `--port` and `--upstream`");
    process.exit(2);
  }
  return { port: Number(values.port), upstream: values.upstream.replace(/\/$/, ""), jwtKey: values["jwt-key"] };
}
