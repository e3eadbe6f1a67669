"""Stands for GitHub's identity provider: has a key, publishes it, and gives out tokens as a job asks for them.

    identity_provider.py FOLDER         FOLDER is for the key; prints the issuer's address, and serves until it is ended

`/token?audience=…` answers {"value": TOKEN} to who shows `Authorization: Bearer job`, as GitHub does to a job.
"""

import base64
import http.server
import json
import pathlib
import subprocess
import sys
import time
import urllib.parse

key = str(pathlib.Path(sys.argv[1]) / "identity.pem")
subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, stderr=subprocess.DEVNULL)
modulus = subprocess.run(["openssl", "rsa", "-in", key, "-noout", "-modulus"], check=True, capture_output=True, text=True)


def encode(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


keys = {"keys": [{"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "e": "AQAB",
                  "n": encode(bytes.fromhex(modulus.stdout.strip().split("=")[1]))}]}


def token(audience):
    now = int(time.time())
    claims = {"iss": issuer, "sub": "repo:octo-org/app:ref:refs/heads/main", "aud": audience, "iat": now, "exp": now + 300}
    signed = encode({"alg": "RS256", "kid": "1", "typ": "JWT"}) + "." + encode(claims)
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=signed.encode(), check=True, capture_output=True)
    return signed + "." + encode(signature.stdout)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        status, answer = 404, {}
        if url.path == "/.well-known/openid-configuration":
            status, answer = 200, {"issuer": issuer, "jwks_uri": issuer + "/keys"}
        elif url.path == "/keys":
            status, answer = 200, keys
        elif url.path == "/token" and self.headers["Authorization"] != "Bearer job":
            status = 401
        elif url.path == "/token":
            status, answer = 200, {"value": token(query["audience"][0])}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
issuer = f"http://127.0.0.1:{server.server_port}"
print(issuer, flush=True)
server.serve_forever()
