"""Notes in a database: GET / lists them, POST / adds one. The first argument is where it listens, ADDRESS:PORT."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2

LONGEST = 4096


def connect():
    with open(os.environ["PASSWORD_FILE"], encoding="ascii") as file:
        password = file.read().strip()
    return psycopg2.connect(os.environ["DATABASE"], password=password, connect_timeout=3)


def query(text, *values):
    connection = connect()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(text, values)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


class Notes(BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = (json.dumps(value) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        try:
            if self.path == "/ready":
                query("SELECT 1")
                self.answer(200, "ready")
            elif self.path == "/":
                rows = query("SELECT text FROM notes ORDER BY id")
                self.answer(200, [text for (text,) in rows])
            else:
                self.answer(404, "no such page")
        except psycopg2.Error as error:
            self.answer(503, str(error))

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        if length > LONGEST:
            self.answer(413, "too long")
            return
        try:
            query("INSERT INTO notes (text) VALUES (%s)", self.rfile.read(length).decode("utf-8", "replace"))
            self.answer(201, "added")
        except psycopg2.Error as error:
            self.answer(503, str(error))


query("CREATE TABLE IF NOT EXISTS notes (id bigserial PRIMARY KEY, text text NOT NULL)")
address, port = sys.argv[1].rsplit(":", 1)
print("listening on", sys.argv[1])
ThreadingHTTPServer((address, int(port)), Notes).serve_forever()
