/** Reads rows from the upstreams as cheaply as Node can: an undici pool, its dispatch interface, one JSON.parse per reply. */
import { stringify } from "node:querystring";
import { Pool } from "undici";

/** Collects one reply; settles the promise it was made for. */
class Reply {
  #resolve;
  #reject;
  #path;
  #status = 0;
  #chunks = [];

  constructor(path, resolve, reject) {
    this.#path = path;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart() {}

  onResponseStart(_controller, status) {
    this.#status = status;
  }

  onResponseData(_controller, chunk) {
    this.#chunks.push(chunk);
  }

  onResponseEnd() {
    if (this.#status !== 200) return this.#reject(new Error(`the upstream answered ${this.#status} to ${this.#path}`));
    try {
      const chunks = this.#chunks;
      this.#resolve(JSON.parse(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)).data);
    } catch (error) {
      this.#reject(error);
    }
  }

  onResponseError(_controller, error) {
    this.#reject(error);
  }
}

/** `read(system, resource, parameters)`: a promise of rows. */
export function reader(upstream) {
  const pool = new Pool(upstream, { connections: 64, pipelining: 1, keepAliveTimeout: 60_000 });
  return (system, resource, parameters) => {
    const path = `/${system}/${resource}?${stringify(parameters)}`;
    return new Promise((resolve, reject) => pool.dispatch({ path, method: "GET" }, new Reply(path, resolve, reject)));
  };
}
