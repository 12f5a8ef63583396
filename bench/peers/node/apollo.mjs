/** Apollo Server with its REST data sources and dataloader, as its documentation lays a gateway out. */
import "./shared/production.mjs";
import { RESTDataSource } from "@apollo/datasource-rest";
import { ApolloServer } from "@apollo/server";
import { ApolloServerPluginCacheControlDisabled } from "@apollo/server/plugin/disabled";
import { ApolloServerPluginLandingPageDisabled } from "@apollo/server/plugin/disabled";
import { startStandaloneServer } from "@apollo/server/standalone";
import { GraphQLError } from "graphql";
import { Loaders } from "./shared/graph.mjs";
import { options } from "./shared/options.mjs";
import { schemaIn } from "./shared/schema.mjs";
import { verifier } from "./shared/tokens.mjs";

const { port, upstream, jwtKey, schema: text } = options();
const verify = await verifier(jwtKey);

/** One of the four systems. */
class System extends RESTDataSource {
  constructor(name, settings) {
    super(settings);
    this.baseURL = `${upstream}/${name}/`;
  }

  async rows(resource, params) {
    return (await this.get(resource, { params })).data;
  }
}

const server = new ApolloServer({
  schema: schemaIn(text),
  plugins: [ApolloServerPluginCacheControlDisabled(), ApolloServerPluginLandingPageDisabled()],
});

async function context({ req }) {
  const claims = await authenticated(req.headers.authorization);
  const systems = {};
  const system = (name) => (systems[name] ??= new System(name, { cache: server.cache }));
  return { claims, loaders: new Loaders((name, resource, parameters) => system(name).rows(resource, parameters)) };
}

async function authenticated(header) {
  try {
    return await verify(header);
  } catch (error) {
    throw new GraphQLError(error.message, { extensions: { code: "UNAUTHENTICATED", http: { status: 401 } } });
  }
}

await startStandaloneServer(server, { context, listen: { port, host: "127.0.0.1" } });
console.log("ready");
