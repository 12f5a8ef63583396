/** The benchmark's schema (bench/schema.graphql) with its resolvers. */
import { readFileSync } from "node:fs";
import { makeExecutableSchema } from "@graphql-tools/schema";
import { resolvers } from "./graph.mjs";

/** An executable schema; `file` is its text. */
export function schemaIn(file) {
  return makeExecutableSchema({ typeDefs: readFileSync(file, "utf8"), resolvers });
}
