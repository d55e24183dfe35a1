#!/usr/bin/env python3
"""Holds replies that a test has kept (lib.sh: request) against the description of the interface.

replies.py OPENAPI.json DIRECTORY. Each reply must have a status, a media type and, where it is JSON, members as described;
what no path describes must be a problem document. Prints what is wrong; exit status 1 if anything is, or if there was nothing.
"""
import glob
import json
import re
import sys
import urllib.parse

import jsonschema


def templates(doc):
    """(regular expression, path item): paths in full before patterns, as the server looks for them."""
    paths = sorted(doc["paths"], key=lambda p: "{" in p)
    return [(re.compile("^" + re.sub(r"\\\{[a-z]+\\\}", "[^/]+", re.escape(p)) + "$"), doc["paths"][p]) for p in paths]


def expected(doc, items, method, path, status):
    """The content that is described for a reply."""
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}
    for pattern, item in items:
        if pattern.match(path) and method in item:
            responses = item[method]["responses"]
            return responses.get(status, responses["default"]).get("content", {})
    return problem


def check(doc, items, head, body):
    status, method, kind, url = head.rstrip("\n").split("\t")
    path = urllib.parse.unquote(urllib.parse.urlsplit(url).path).replace("/lua/pro/", "/lua/")
    if status in ("000", "204", "304") or method == "HEAD":
        return None
    kind = kind.split(";")[0]
    content = expected(doc, items, "get" if method == "HEAD" else method.lower(), path, status)
    if kind not in content:
        return f"{method} {path}: {status} is {kind}, described are {', '.join(content)}"
    schema = content[kind].get("schema")
    if schema is None:
        return ""
    try:
        jsonschema.Draft202012Validator({**schema, "components": doc["components"]}).validate(json.loads(body))
    except (jsonschema.ValidationError, ValueError) as e:
        return f"{method} {url}: {status}: {str(e)[:300]}"
    return ""


def main():
    doc = json.load(open(sys.argv[1]))
    items = templates(doc)
    checked, wrong = 0, 0
    for name in sorted(glob.glob(sys.argv[2] + "/*.head")):
        body = open(name[:-5], encoding="utf-8", errors="replace").read()
        result = check(doc, items, open(name).read(), body)
        checked += result is not None
        if result:
            wrong += 1
            print(result)
    print(f"{checked} replies, {wrong} not as described")
    sys.exit(wrong > 0 or checked == 0)


main()
