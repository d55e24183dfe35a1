#!/usr/bin/env python3
"""A webhook for tests: hook.py PORT LOG [BUSY [FILE]]. Answers 503 to the first BUSY requests, 200 to the others, and keeps of each
of those one line in LOG: the Idempotency-Key and the body. With FILE it answers once that is there."""
import http.server
import os
import sys
import threading
import time

port, log = int(sys.argv[1]), sys.argv[2]
busy = int(sys.argv[3]) if len(sys.argv) > 3 else 0
free = sys.argv[4] if len(sys.argv) > 4 else None
lock = threading.Lock()


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global busy
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with lock:
            refuse = busy > 0
            busy -= refuse
            if not refuse:
                with open(log, "ab") as f:
                    f.write(self.headers["Idempotency-Key"].encode() + b" " + body + b"\n")
        while free and not os.path.exists(free):
            time.sleep(0.05)
        self.send_response(503 if refuse else 200)
        if refuse:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Hook).serve_forever()
