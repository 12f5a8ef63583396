/** May an order be placed? Five reads side by side, five checks; the contract is bench/README.md. */
import { ACCOUNTS, LINKS, PERIODS, PRODUCTS } from "./graph.mjs";

const MOST_DUE = 100_000; // cents

export async function validate({ account: id, entity, lines: ordered }, loaders) {
  const [account, products, invoices, profile, periods] = await Promise.all([
    loaders.load(ACCOUNTS, id),
    loaders.loadMany(PRODUCTS, ordered.map(({ product }) => product)),
    loaders.load(LINKS.openInvoices, id),
    loaders.load(LINKS.profile, id),
    loaders.load(PERIODS, entity),
  ]);
  for (const product of products) if (product instanceof Error) throw product;
  const lines = ordered.map((line, place) => priced(line, products[place]));
  const totalCents = sum(lines, "amountCents");
  const checks = [
    accountActive(account),
    productsSellable(ordered, products),
    openInvoices(invoices),
    creditAvailable(profile, totalCents),
    periodOpen(periods),
  ];
  return { valid: checks.every(({ passed }) => passed), entity, currency: account?.currency ?? "", totalCents, checks, lines };
}

const check = (code, source, passed, detail) => ({ code, source, passed, detail: String(detail) });
const sum = (rows, name) => rows.reduce((total, row) => total + row[name], 0);

function priced({ product, quantity }, row) {
  const unitCents = row?.unitCents ?? 0;
  return { product, name: row?.name ?? "", quantity, unitCents, amountCents: quantity * unitCents };
}

function accountActive(account) {
  return check("ACCOUNT_ACTIVE", "crm", account?.status === "active", account?.status ?? "missing");
}

function productsSellable(ordered, products) {
  const sellable = ({ quantity }, row) =>
    row !== null && row.status === "active" && row.minQuantity <= quantity && quantity <= row.maxQuantity;
  const failed = ordered.filter((line, place) => !sellable(line, products[place])).length;
  return check("PRODUCTS_SELLABLE", "crm", failed === 0, failed);
}

function openInvoices(invoices) {
  const due = sum(invoices, "dueCents");
  return check("OPEN_INVOICES", "billing", due <= MOST_DUE, due);
}

function creditAvailable(profile, totalCents) {
  if (profile === null) return check("CREDIT_AVAILABLE", "erp", false, "missing");
  const left = profile.creditLimitCents - profile.openCents - totalCents;
  return check("CREDIT_AVAILABLE", "erp", !profile.creditHold && left >= 0, left);
}

function periodOpen(periods) {
  const open = periods.find(({ status }) => status === "open");
  return check("PERIOD_OPEN", "erp", open !== undefined, open?.name ?? "none");
}
