"""Serves the git repositories of a folder over HTTP, by git's own http-backend.

    git_server.py FOLDER        prints its address, and serves until it is ended
"""

import http.server
import os
import subprocess
import sys
import urllib.parse

root = os.path.abspath(sys.argv[1])


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        environment = dict(
            os.environ, GIT_PROJECT_ROOT=root, GIT_HTTP_EXPORT_ALL="1", REQUEST_METHOD=self.command, PATH_INFO=url.path,
            QUERY_STRING=url.query, CONTENT_TYPE=self.headers["Content-Type"] or "", CONTENT_LENGTH=str(len(body)),
            HTTP_CONTENT_ENCODING=self.headers["Content-Encoding"] or "", GIT_PROTOCOL=self.headers["Git-Protocol"] or "")
        run = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=False)
        head, _, answer = run.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
