"""An identity provider over real local HTTP: it counts fetches, rotates keys and can go away."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.settings import Settings, parse

AUDIENCE = "opsgraph"
ISSUER = "https://issuer.test"


class Issuer:
    """Signs tokens; its address serves `keys`, or answers 503 while `away`, `delay` seconds later."""

    def __init__(self) -> None:
        self.fetches, self.away, self.delay = 0, False, 0.0
        self.private: dict[str, rsa.RSAPrivateKey] = {}
        self.keys: list[dict[str, Any]] = []
        self.jwks = ""
        self.rotate("first")

    def rotate(self, key_id: str) -> None:
        """A new key stands in the place of the old ones."""
        self.private[key_id] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.private[key_id].public_key()))
        self.keys = [{**public, "kid": key_id, "use": "sig", "alg": "RS256"}]

    def claims(self, **changed: Any) -> dict[str, Any]:
        """The claims of a good token; None leaves one out."""
        good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": time.time() + 600, "roles": ["auditor"]}
        return {name: value for name, value in {**good, **changed}.items() if value is not None}

    def token(self, key_id: str = "first", header: dict[str, Any] | None = None, **changed: Any) -> str:
        """A signed token."""
        return jwt.encode(self.claims(**changed), self.private[key_id], "RS256", {"kid": key_id, **(header or {})})

    def settings(self, **tables: Any) -> Settings:
        """Settings that trust this issuer."""
        issuer = {"issuer": ISSUER, "audience": AUDIENCE, "jwks": self.jwks}
        return parse({"identity": {"issuers": [issuer]}, **tables}, {})


@contextmanager
def running() -> Iterator[Issuer]:
    """An issuer that listens."""
    issuer = Issuer()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.fetches += 1
            time.sleep(issuer.delay)
            body = json.dumps({"keys": issuer.keys}).encode()
            self.send_response(503 if issuer.away else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        issuer.jwks = f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield issuer
        server.shutdown()
        thread.join()
