#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""registry.py - a registry with faults, serving OCI layout folders on loopback

registry.py --port-file FILE [--log FILE] [--fault FAULT]… NAME=LAYOUT…

FAULT is one of
  corrupt          every layer blob has one byte changed
  wrong-manifest   the manifest is another than its digest header says
  cut:N            a blob's connection is cut after N bytes, every time
  cut-once:N       the same, but only the first time for each blob
  no-range         Range is not understood
  busy:N           the first N requests of each path are answered 503
  slow:SECONDS     wait before each chunk of 64 KiB of a blob
  oversize         blobs are longer than the manifest says
  basic:USER:PASS  Basic authentication
  bearer:USER:PASS token authentication; the tokens live for one manifest
  helm             the config is of another media type
"""
import argparse
import base64
import http.server
import json
import os
import re
import socketserver
import threading
import time
import urllib.parse

ARGS = None
LAYOUTS = {}
COUNTS = {}
TOKENS = set()
LOCK = threading.Lock()


def fault(name):
    """The fault's argument, "" when it has none, None when it is not wanted."""
    for f in ARGS.fault:
        if f == name:
            return ""
        if f.startswith(name + ":"):
            return f[len(name) + 1:]
    return None


def count(key):
    with LOCK:
        COUNTS[key] = COUNTS.get(key, 0) + 1
        return COUNTS[key]


def index_entry(layout):
    with open(os.path.join(layout, "index.json")) as f:
        return json.load(f)["manifests"][0]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, fmt, *args):
        if ARGS.log:
            with LOCK, open(ARGS.log, "a") as f:
                f.write("%s range=%s auth=%s\n" % (fmt % args, self.headers.get("Range"),
                                                   (self.headers.get("Authorization") or "")[:6]))

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def host(self):
        return "http://127.0.0.1:%d" % self.server.server_address[1]

    def allowed(self):
        given = self.headers.get("Authorization") or ""
        if fault("basic"):
            want = "Basic " + base64.b64encode(fault("basic").encode()).decode()
            if given != want:
                self.answer(401, WWW_Authenticate='Basic realm="test"')
                return False
        if fault("bearer"):
            if given[7:] not in TOKENS:
                self.answer(401, WWW_Authenticate='Bearer realm="%s/token",service="test",'
                                                  'scope="repository:x:pull"' % self.host())
                return False
            if "/manifests/" in self.path:
                TOKENS.discard(given[7:])
        return True

    def token(self):
        want = "Basic " + base64.b64encode(fault("bearer").encode()).decode()
        if self.headers.get("Authorization") != want:
            return self.answer(401)
        token = "t%d" % count("token")
        TOKENS.add(token)
        return self.answer(200, json.dumps({"token": token}).encode())

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        if url.path == "/token" and fault("bearer"):
            return self.token()
        if not self.allowed():
            return None
        if url.path == "/v2/":
            return self.answer(200, b"{}")
        if fault("busy") and count(self.path) <= int(fault("busy")):
            return self.answer(503, b"busy")
        m = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", url.path)
        layout = LAYOUTS.get(m.group(1)) if m else None
        if not layout:
            return self.answer(404, b'{"errors":[{"code":"NAME_UNKNOWN","message":"repository '
                                    b'name not known to registry"}]}')
        return getattr(self, m.group(2))(layout, m.group(3))

    def manifests(self, layout, which):
        entry = index_entry(layout)
        digest = which if which.startswith("sha256:") else entry["digest"]
        path = os.path.join(layout, "blobs/sha256", digest[7:])
        if not os.path.exists(path):
            return self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
        with open(path, "rb") as f:
            body = f.read()
        if fault("wrong-manifest") is not None:
            body = body + b"\n"
        if fault("helm") is not None:
            body = re.sub(rb'application/vnd\.oci\.image\.config\.v1\+json',
                          b"application/vnd.cncf.helm.config.v1+json", body)
            return self.answer(200, body, Content_Type=json.loads(body)["mediaType"])
        return self.answer(200, body, Content_Type=json.loads(body).get("mediaType", ""),
                           Docker_Content_Digest=digest)

    def blobs(self, layout, digest):
        path = os.path.join(layout, "blobs/sha256", digest[7:])
        if not os.path.exists(path):
            return self.answer(404, b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')
        with open(path, "rb") as f:
            body = bytearray(f.read())
        is_layer = body[:1] != b"{"
        if is_layer and fault("corrupt") is not None:
            body[len(body) // 2] ^= 1
        if is_layer and fault("oversize") is not None:
            body += b"x" * 1000
        start = 0
        want = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if want and fault("no-range") is None:
            start = int(want.group(1))
            if start >= len(body):
                return self.answer(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        end = len(body)
        if is_layer and fault("cut"):
            end = min(end, start + int(fault("cut")))
        elif is_layer and fault("cut-once") and count(digest) == 1:
            end = min(end, int(fault("cut-once")))
        for at in range(start, end, 65536):
            if fault("slow"):
                time.sleep(float(fault("slow")))
            self.wfile.write(body[at:min(at + 65536, end)])
            self.wfile.flush()
        if end < len(body):
            self.close_connection = True
        return None


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def main():
    global ARGS
    p = argparse.ArgumentParser()
    p.add_argument("--port-file", required=True)
    p.add_argument("--log")
    p.add_argument("--fault", action="append", default=[])
    p.add_argument("layouts", nargs="+")
    ARGS = p.parse_args()
    for pair in ARGS.layouts:
        name, layout = pair.split("=", 1)
        LAYOUTS[name] = layout
    server = Server(("127.0.0.1", 0), Handler)
    with open(ARGS.port_file + ".new", "w") as f:
        f.write(str(server.server_address[1]))
    os.rename(ARGS.port_file + ".new", ARGS.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
