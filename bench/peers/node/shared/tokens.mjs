/** Bearer tokens: verified once with `jose`, remembered until they expire. */
import { createSecretKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createLocalJWKSet, importJWK, importSPKI, jwtVerify } from "jose";

const REMEMBERED = 10_000;

/**
 * A function from an `authorization` header to the token's claims: at once for a token seen before, else a promise.
 * Rejects with an error whose `status` is 401. Without a key file everybody is let in as `{}`.
 */
export async function verifier(keyFile) {
  if (!keyFile) return () => ({});
  const key = await keyFrom(await readFile(keyFile));
  const remembered = new Map();

  async function verified(header) {
    const token = /^Bearer (\S+)$/.exec(header ?? "")?.[1];
    if (!token) throw unauthenticated("send a bearer token");
    const { payload } = await jwtVerify(token, key, { algorithms: ["EdDSA", "HS256"], requiredClaims: ["exp"] }).catch(
      (error) => {
        throw unauthenticated(error.message);
      },
    );
    if (remembered.size >= REMEMBERED) remembered.delete(remembered.keys().next().value);
    remembered.set(header, payload);
    return payload;
  }

  return (header) => {
    const claims = remembered.get(header);
    return claims !== undefined && claims.exp * 1000 > Date.now() ? claims : verified(header);
  };
}

/** A public key in PEM, a JWK or a key set in JSON, or the bytes of a shared secret. */
async function keyFrom(bytes) {
  const text = bytes.toString("utf8").trim();
  if (text.startsWith("-----BEGIN")) return importSPKI(text, "EdDSA");
  if (!text.startsWith("{")) return createSecretKey(Buffer.from(text));
  const parsed = JSON.parse(text);
  return parsed.keys ? createLocalJWKSet(parsed) : importJWK(parsed, parsed.alg ?? (parsed.kty === "oct" ? "HS256" : "EdDSA"));
}

function unauthenticated(message) {
  return Object.assign(new Error(message), { status: 401 });
}
