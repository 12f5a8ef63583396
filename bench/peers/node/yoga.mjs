/** GraphQL Yoga with graphql-jit, undici and dataloader: the strongest gateway that Node's usual parts make. */
import "./shared/production.mjs";
import { createServer } from "node:http";
import { useGraphQlJit } from "@envelop/graphql-jit";
import { createYoga } from "graphql-yoga";
import { Loaders } from "./shared/graph.mjs";
import { authenticated, listen } from "./shared/listen.mjs";
import { options } from "./shared/options.mjs";
import { schemaIn } from "./shared/schema.mjs";
import { verifier } from "./shared/tokens.mjs";
import { reader } from "./shared/undici.mjs";

const { port, upstream, jwtKey, schema: text } = options();
const read = reader(upstream);

const yoga = createYoga({
  schema: schemaIn(text),
  plugins: [useGraphQlJit()],
  context: () => ({ loaders: new Loaders(read) }),
  cors: false,
  graphiql: false,
  landingPage: false,
  multipart: false,
  logging: "error",
});

const answer = (request, response, claims) => yoga(request, response, { claims });
listen(createServer(authenticated(await verifier(jwtKey), answer)), port);
