"""A service in twenty lines: /health says that it lives, / says which libraries came along."""

import json
import os
import sqlite3
import ssl
import sys
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zoneinfo import ZoneInfo


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            return self.answer({"status": "ok"})
        if self.path == "/":
            return self.answer({
                "python": sys.version.split()[0],
                "openssl": ssl.OPENSSL_VERSION,
                "sqlite": sqlite3.sqlite_version,
                "certificates": len(ssl.create_default_context().get_ca_certs()),
                "zone": datetime.now(ZoneInfo("Europe/Berlin")).tzname(),
                "uid": os.getuid(),
            })
        self.answer({"error": "not found"}, status=404)

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
