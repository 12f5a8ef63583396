/** Bearer tokens: verified once with `jose`, remembered until they expire. */
import { readFile } from "node:fs/promises";
import { importSPKI, jwtVerify } from "jose";

const REMEMBERED = 10_000;
const EXPECTED = {
  algorithms: ["EdDSA"],
  issuer: "opsgraph-bench",
  audience: "opsgraph-bench",
  requiredClaims: ["sub", "exp"],
};

/**
 * A function from an `authorization` header to the token's claims: at once for a token seen before, else a promise.
 * Rejects with an error whose `status` is 401. Without a key file everybody is let in as `{}`.
 */
export async function verifier(keyFile) {
  if (!keyFile) return () => ({});
  const key = await importSPKI(await readFile(keyFile, "utf8"), "EdDSA");
  const remembered = new Map();

  async function verified(header) {
    const token = /^Bearer (\S+)$/.exec(header ?? "")?.[1];
    if (!token) throw unauthenticated("send a bearer token");
    const { payload } = await jwtVerify(token, key, EXPECTED).catch((error) => {
      throw unauthenticated(error.message);
    });
    if (remembered.size >= REMEMBERED) remembered.delete(remembered.keys().next().value);
    remembered.set(header, payload);
    return payload;
  }

  return (header) => {
    const claims = remembered.get(header);
    return claims !== undefined && claims.exp * 1000 > Date.now() ? claims : verified(header);
  };
}

function unauthenticated(message) {
  return Object.assign(new Error(message), { status: 401 });
}
