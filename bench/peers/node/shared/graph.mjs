/** The benchmark's graph as resolvers: which field is read from where, each resource once for all parents (dataloader). */
import DataLoader from "dataloader";
import { validate } from "./validate.mjs";

const one = { group: single };
const many = { group: grouped };

const of = (system, resource, kind, filter) => ({ system, resource, parameter: "account_ids", by: "accountId", filter, ...kind });

/** What a field reads: `system`/`resource` asked by `parameter`; a row belongs to the key in its field `by`. */
export const LINKS = {
  contacts: of("crm", "contacts", many),
  orders: of("crm", "orders", many),
  subscriptions: of("billing", "subscriptions", many),
  invoices: of("billing", "invoices", many),
  openInvoices: of("billing", "invoices", many, { status: "open" }),
  entitlements: of("billing", "entitlements", many),
  profile: of("erp", "profiles", one),
  payments: of("erp", "payments", many),
  organization: of("support", "organizations", one),
  cases: of("support", "cases", many),
  openCases: of("support", "cases", many, { status: "open" }),
};
export const ACCOUNTS = { system: "crm", resource: "accounts", parameter: "ids", by: "id", ...one };
export const PRODUCTS = { system: "crm", resource: "products", parameter: "ids", by: "id", ...one };
export const PERIODS = { system: "erp", resource: "periods", parameter: "entity", by: "entity", ...many };

/** The loaders of one request; `read(system, resource, parameters)` gives a promise of rows. */
export class Loaders {
  #read;
  #made = new Map();

  constructor(read) {
    this.#read = read;
  }

  list(system, resource, parameters) {
    return this.#read(system, resource, parameters);
  }

  load(link, key) {
    return this.#loader(link).load(key);
  }

  loadMany(link, keys) {
    return this.#loader(link).loadMany(keys);
  }

  #loader(link) {
    const made = this.#made.get(link);
    if (made !== undefined) return made;
    const { system, resource, parameter, by, filter, group } = link;
    const loader = new DataLoader(async (keys) =>
      group(await this.#read(system, resource, { [parameter]: keys.join(","), ...filter }), by, keys),
    );
    this.#made.set(link, loader);
    return loader;
  }
}

function grouped(rows, by, keys) {
  if (keys.length === 1) return [rows];
  const groups = new Map();
  for (const key of keys) groups.set(key, []);
  for (const row of rows) groups.get(row[by])?.push(row);
  return Array.from(groups.values());
}

function single(rows, by, keys) {
  if (keys.length === 1) return [rows.length ? rows[0] : null];
  const found = new Map();
  for (const row of rows) found.set(row[by], row);
  return keys.map((key) => found.get(key) ?? null);
}

const field = (link) => (account, _arguments, { loaders }) => loaders.load(link, account.id);

export const resolvers = {
  Query: {
    account: (_root, { id }, { loaders }) => loaders.load(ACCOUNTS, id),
    accounts: (_root, { region, first }, { loaders }) => loaders.list("crm", "accounts", { region, limit: `${first}` }),
    validate: (_root, order, { loaders }) => validate(order, loaders),
  },
  Account: Object.fromEntries(Object.entries(LINKS).map(([name, link]) => [name, field(link)])),
};
