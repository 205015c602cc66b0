#!/usr/bin/env python3
"""Black-box REST conformance runner for Kafka Connect-compatible workers.

  rest_conformance.py record --url http://host:8083 --out golden.json
  rest_conformance.py check  --url http://host:8083 --golden golden.json

Standard library only.  See README.md for the scenario format and the rules.
"""
import gzip
import argparse
import concurrent.futures
import copy
import glob
import http.client
import json
import os
import re
import sys
import tempfile
import time
import urllib.parse
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))


def open_text(path):
    """Opens a file for reading, compressed ones too."""
    return gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")

VERSION_RE = re.compile(r"^\d+\.\d+\.\d+([-.+][\w.]+)*$")
HOSTPORT_RE = re.compile(r"^\[?[\w.:-]+\]?:\d+$")
FQCN_RE = re.compile(r"^([a-z_][\w]*\.){2,}[A-Z][\w$]*$")
CONFLICT_RE = re.compile(r"rebalance|stale configuration|conflicting operation", re.I)
MISSING = object()


# ---------------------------------------------------------------- paths
def parse_path(path):
    """'$.a[0].b[*]..c["x.y"]' -> list of tokens."""
    out, i = [], 1 if path.startswith("$") else 0
    while i < len(path):
        if path.startswith("..", i):
            m = re.compile(r"[\w-]+").match(path, i + 2)
            out.append(("deep", m.group(0)))
            i = m.end()
        elif path[i] == ".":
            m = re.compile(r"\*|[\w-]+").match(path, i + 1)
            out.append(("all", None) if m.group(0) == "*" else ("key", m.group(0)))
            i = m.end()
        elif path[i] == "[":
            j = path.index("]", i) if path[i + 1] not in "'\"" else path.index(path[i + 1] + "]", i + 2) + 1
            tok = path[i + 1:j]
            if tok == "*":
                out.append(("all", None))
            elif tok[0] in "'\"":
                out.append(("key", tok[1:-1]))
            else:
                out.append(("idx", int(tok)))
            i = j + 1
        else:
            raise ValueError("bad path %r" % path)
    return out


def children(node):
    if isinstance(node, dict):
        return [(node, k) for k in list(node)]
    if isinstance(node, list):
        return [(node, k) for k in range(len(node))]
    return []


def slots(root, path):
    """Every (container, key) that path selects below root; root is {'$': body}."""
    cur = [(root, "$")]
    for kind, arg in parse_path(path):
        nxt = []
        for c, k in cur:
            v = c[k]
            if kind == "key" and isinstance(v, dict) and arg in v:
                nxt.append((v, arg))
            elif kind == "idx" and isinstance(v, list) and -len(v) <= arg < len(v):
                nxt.append((v, arg))
            elif kind == "all":
                nxt += children(v)
            elif kind == "deep":
                stack = [v]
                while stack:
                    x = stack.pop()
                    for cc, kk in children(x):
                        if kk == arg and isinstance(cc, dict):
                            nxt.append((cc, kk))
                        stack.append(cc[kk])
        cur = nxt
    return cur


def select(body, path):
    return [c[k] for c, k in slots({"$": body}, path)]


def type_name(v):
    if v is None:
        return None
    for t, n in ((bool, "<bool>"), (int, "<int>"), (float, "<float>"), (str, "<string>"),
                 (list, "<array>"), (dict, "<object>")):
        if isinstance(v, t):
            return n
    return "<?>"


def canon(v):
    return json.dumps(v, sort_keys=True, ensure_ascii=False)


# ---------------------------------------------------------------- one run
class Run:
    def __init__(self, url, tmp, opts):
        self.url = url.rstrip("/")
        u = urllib.parse.urlsplit(self.url)
        self.scheme, self.host, self.port, self.prefix = u.scheme, u.hostname, u.port or 80, u.path
        self.run = uuid.uuid4().hex[:8]
        self.tmp = os.path.realpath(tmp)
        self.opts = opts

    # -- substitution of ${run}, ${tmp}, ${i}
    def subst(self, v, extra=None):
        if isinstance(v, str):
            v = v.replace("${run}", self.run).replace("${tmp}", self.tmp)
            for k, x in (extra or {}).items():
                v = v.replace("${%s}" % k, str(x))
            return v
        if isinstance(v, list):
            return [self.subst(x, extra) for x in v]
        if isinstance(v, dict):
            return {self.subst(k, extra): self.subst(x, extra) for k, x in v.items()}
        return v

    # -- raw HTTP
    def http(self, method, path, headers=None, body=None, timeout=60):
        cls = http.client.HTTPSConnection if self.scheme == "https" else http.client.HTTPConnection
        conn = cls(self.host, self.port, timeout=timeout)
        try:
            conn.putrequest(method, self.prefix + path, skip_accept_encoding=True)
            hs = dict(headers or {})
            if body is not None:
                body = body.encode("utf-8") if isinstance(body, str) else body
                hs.setdefault("Content-Length", str(len(body)))
            elif method in ("POST", "PUT", "PATCH"):
                hs.setdefault("Content-Length", "0")
            for k, v in hs.items():
                if v is not None:
                    conn.putheader(k, v)
            conn.endheaders()
            if body is not None:
                conn.send(body)
            r = conn.getresponse()
            data = r.read()
            return r.status, {k.lower(): v for k, v in r.getheaders()}, data
        finally:
            conn.close()

    def send(self, req):
        headers = dict(req.get("headers") or {})
        body, path = None, req["path"]
        if "pad" in req:
            path = path.replace("${pad}", "x" * req["pad"])
        if "json" in req:
            body = json.dumps(req["json"], ensure_ascii=False)
            headers.setdefault("Content-Type", "application/json")
        elif "raw" in req:
            body = req["raw"]
            if "pad" in req:
                body = body.replace("${pad}", "x" * req["pad"])
        deadline = time.time() + 30
        while True:
            status, hs, data = self.http(req["method"], path, headers, body)
            if (status == 409 and req.get("retry_409", True) and time.time() < deadline
                    and CONFLICT_RE.search(data.decode("utf-8", "replace"))):
                time.sleep(0.25)
                continue
            return self.response(status, hs, data)

    @staticmethod
    def response(status, hs, data):
        text = data.decode("utf-8", "replace")
        ct = hs.get("content-type")
        if not text:
            kind, body = "empty", None
        else:
            try:
                kind, body = "json", json.loads(text)
            except ValueError:
                kind, body = "text", text
                if (ct or "").startswith("text/html"):
                    kind, body = "html", "<html>"
        return {"status": status, "headers": hs, "kind": kind, "body": body,
                "content_type": re.sub(r"\s", "", ct).lower() if ct else None}

    # -- wait conditions, evaluated on the raw (un-normalised) response
    def holds(self, resp, cond):
        if "status" in cond and resp["status"] != cond["status"]:
            return False
        if "path" not in cond:
            return True
        vals = select(resp["body"], cond["path"]) if resp["kind"] == "json" else []
        if "len" in cond and len(vals) != cond["len"]:
            return False
        if "min_len" in cond and len(vals) < cond["min_len"]:
            return False
        if "all" in cond and not all(v == cond["all"] for v in vals):
            return False
        if "eq" in cond and vals != [cond["eq"]]:
            return False
        if "min" in cond and not (len(vals) == 1 and vals[0] >= cond["min"]):
            return False
        return True

    # -- normalisation
    def norm_str(self, s):
        if VERSION_RE.match(s):
            return "<version>"
        s = s.replace(self.url, "<url>")
        s = s.replace("%s:%d" % (self.host, self.port), "<worker>")
        s = s.replace(self.tmp, "<tmp>").replace(self.run, "<run>")
        s = re.sub(r"available versions: \[[^\]]*\]", "available versions: <versions>", s)
        s = s.replace("org.apache.kafka.connect.errors.ConnectException: Failed to find any class",   # only from the
                      "Failed to find any class")                       # second lookup of a name on
        s = re.sub(r"Invalid regex: .*", "Invalid regex: <detail>", s, flags=re.S)
        s = re.sub(r"(Connector config \{)([^}]*)(\} contains no connector type)",     # Java hash order
                   lambda m: m.group(1) + ", ".join(sorted(m.group(2).split(", "))) + m.group(3), s)
        i = s.find("available connectors are: ")
        if i >= 0:
            s = s[:i] + "available connectors are: <plugins>"
        return s

    def norm(self, v, key=None):
        if isinstance(v, dict):
            return {self.norm_str(k): self.norm(x, k) for k, x in v.items()
                    if not (self.opts.ignore_docs and k == "documentation")}
        if isinstance(v, list):
            if key == "recommended_values":
                v = [x for x in v if not (isinstance(x, str) and FQCN_RE.match(x)
                                          and not x.startswith("org.apache.kafka.connect."))]
            return [self.norm(x) for x in v]
        if key == "worker_id" and isinstance(v, str) and HOSTPORT_RE.match(v):
            return "<worker>"
        if key == "last_modified" and isinstance(v, int):
            return "<ms>"
        if isinstance(v, str):
            if key == "trace":
                v = v.split("\n", 1)[0].rstrip("\r")
                if self.opts.loose:
                    v = "<trace>"
            return self.norm_str(v)
        return v

    def shape(self, req, resp):
        root = {"$": copy.deepcopy(resp["body"])}
        if resp["kind"] == "json":
            for rule in req.get("keep", []):
                for c, k in slots(root, rule.get("path", "$")):
                    v = c[k]
                    if "prefix" in rule:
                        c[k] = ({x: y for x, y in v.items() if x.startswith(rule["prefix"])} if isinstance(v, dict)
                                else [x for x in v if str(x).startswith(rule["prefix"])])
                    elif "keys" in rule and isinstance(v, dict):
                        c[k] = {x: v[x] for x in rule["keys"] if x in v}
                    elif "field" in rule and isinstance(v, list):
                        c[k] = [x for x in v if isinstance(x, dict) and x.get(rule["field"]) in rule["in"]]
            for path in req.get("drop", []):
                for c, k in slots(root, path):
                    if isinstance(c, dict):
                        del c[k]
            for path, field in (req.get("pluck") or {}).items():
                for c, k in slots(root, path):
                    if isinstance(c[k], list):
                        c[k] = [select(x, field)[0] if select(x, field) else None for x in c[k]]
            for path in req.get("mask", []):
                for c, k in slots(root, path):
                    c[k] = type_name(c[k])
            root["$"] = self.norm(root["$"])
            for rule in req.get("sort", []):
                path, by = (rule, None) if isinstance(rule, str) else (rule["path"], rule["by"])
                for c, k in slots(root, path):
                    if isinstance(c[k], list):
                        c[k] = sorted(c[k], key=lambda x: canon(select(x, by) if by else x))
            for path in req.get("uniq", []):
                for c, k in slots(root, path):
                    if isinstance(c[k], list):
                        seen = []
                        for x in c[k]:
                            if x not in seen:
                                seen.append(x)
                        c[k] = seen
        elif resp["kind"] == "text":
            root["$"] = self.norm_str(root["$"])
        out = {"status": resp["status"], "content_type": resp["content_type"],
               "location": self.norm_str(resp["headers"]["location"]) if "location" in resp["headers"] else None,
               "kind": resp["kind"], "body": root["$"]}
        for h in req.get("headers_compared", []):
            v = resp["headers"].get(h)
            if v is not None and h in ("allow",):
                v = sorted(x.strip() for x in v.split(","))
            out["header:" + h] = v
        for f in req.get("uncompared", []):
            out.pop(f, None)
        return out

    # -- steps
    def step(self, st):
        """Runs one step; returns a record, or None for a step that records nothing."""
        if "sleep" in st:
            time.sleep(st["sleep"])
            return None
        if "file" in st:
            path = self.subst(st["file"])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "a" if st.get("append") else "w") as f:
                f.write(self.subst(st["content"]))
            os.chmod(path, st.get("mode", 0o666))
            return None
        if "read_file" in st:
            path = self.subst(st["read_file"])
            deadline = time.time() + st.get("timeout", 40)
            text = None
            while time.time() < deadline:
                if os.path.exists(path):
                    text = open(path).read()
                    if text.count("\n") >= st["lines"]:
                        break
                time.sleep(0.2)
            return {"label": "file " + st["read_file"], "file": text}
        if "parallel" in st:
            n = st["parallel"]
            reqs = [self.subst(st["request"], {"i": "%02d" % i}) for i in range(n)]
            with concurrent.futures.ThreadPoolExecutor(n) as ex:
                res = list(ex.map(self.send, reqs))
            if not st.get("record", True):
                return None
            shaped = [self.shape(r, x) for r, x in zip(reqs, res)]
            if st.get("unordered"):
                shaped.sort(key=canon)
            return {"label": "%d x %s %s" % (n, st["request"]["method"], st["request"]["path"]), "parallel": shaped}
        req = self.subst(st)
        label = "%s %s" % (st["method"], st["path"])
        if "wait" not in st:
            resp, timed_out = self.send(req), False
        else:
            deadline = time.time() + st["wait"].get("timeout", 40) * self.opts.patience
            conds = req["wait"]["until"]
            while True:
                resp = self.send(req)
                if all(self.holds(resp, c) for c in conds):
                    timed_out = False
                    break
                if time.time() > deadline:
                    timed_out = True
                    break
                time.sleep(0.15)
        if not st.get("record", True):
            return {"label": label, "wait_failed": True, "last": self.shape(req, resp)} if timed_out else None
        rec = {"label": label}
        rec.update(self.shape(req, resp))
        if timed_out:
            rec["wait_failed"] = True
        return rec

    def cleanup(self):
        try:
            for _ in range(3):
                st, _, data = self.http("GET", "/connectors")
                mine = [n for n in json.loads(data) if self.run in n] if st == 200 else []
                if not mine:
                    return
                for n in mine:
                    end = time.time() + 30
                    while time.time() < end:
                        s, _, _ = self.http("DELETE", "/connectors/" + urllib.parse.quote(n, safe=""))
                        if s != 409:
                            break
                        time.sleep(0.2)
        except Exception as e:                                        # noqa: BLE001
            print("  cleanup: %s" % e, file=sys.stderr)

    def scenario(self, sc):
        recs = []
        try:
            for st in sc["steps"]:
                try:
                    r = self.step(st)
                except Exception as e:                                # noqa: BLE001
                    r = {"label": "%s %s" % (st.get("method"), st.get("path")),
                         "error": "%s: %s" % (type(e).__name__, e)}
                if r is not None:
                    recs.append(r)
                    if "error" in r:
                        break
        finally:
            self.cleanup()
            for st in sc.get("finally", []):
                try:
                    self.send(self.subst(st))
                except Exception:                                     # noqa: BLE001
                    pass
        return recs


# ---------------------------------------------------------------- diff
def flatten(v, path="$", out=None):
    out = {} if out is None else out
    if isinstance(v, dict) and v:
        for k, x in v.items():
            flatten(x, "%s.%s" % (path, k), out)
    elif isinstance(v, list) and v:
        for i, x in enumerate(v):
            flatten(x, "%s[%d]" % (path, i), out)
    else:
        out[path] = v
    return out


def diff(want, got):
    a, b = flatten(want), flatten(got)
    lines = []
    for p in list(a) + [p for p in b if p not in a]:
        x, y = a.get(p, MISSING), b.get(p, MISSING)
        if x is MISSING:
            lines.append("+ %s: unexpected %s" % (p, clip(y)))
        elif y is MISSING:
            lines.append("- %s: missing, want %s" % (p, clip(x)))
        elif type(x) is not type(y) or x != y:
            lines.append("~ %s: want %s, got %s" % (p, clip(x), clip(y)))
    return lines


def clip(v):
    s = json.dumps(v, ensure_ascii=False)
    return s if len(s) <= 400 else s[:400] + "..."


def relax(rec, opts):
    """Applies the comparing side's leniency options to a golden record too."""
    if isinstance(rec, dict):
        return {k: ("<trace>" if opts.loose and k == "trace" and isinstance(x, str) else relax(x, opts))
                for k, x in rec.items() if not (opts.ignore_docs and k == "documentation")}
    if isinstance(rec, list):
        return [relax(x, opts) for x in rec]
    return rec


# ---------------------------------------------------------------- main
def load(directory):
    out = []
    for f in sorted(glob.glob(os.path.join(directory, "*.json"))):
        with open(f) as fh:
            out += json.load(fh)["scenarios"]
    names = [s["name"] for s in out]
    assert len(names) == len(set(names)), "duplicate scenario names"
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("mode", choices=["record", "check", "list"])
    ap.add_argument("--url", default="http://127.0.0.1:8083")
    ap.add_argument("--scenarios", default=os.path.join(HERE, "scenarios"), help="directory of scenario files")
    ap.add_argument("--golden", default=os.path.join(HERE, "golden.json.gz"))
    ap.add_argument("--out", default="golden.json", help="record: the golden file to write")
    ap.add_argument("--tmp", help="directory for FileStream files; the worker must see the same path")
    ap.add_argument("--only", action="append", default=[], help="scenario name, prefix or glob (repeatable)")
    ap.add_argument("--quick", action="store_true", help="only the scenarios marked quick")
    ap.add_argument("--patience", type=float, default=1.0, help="multiplies every wait's time limit")
    ap.add_argument("--loose", action="store_true", help="do not compare the text of failure traces")
    ap.add_argument("--ignore-docs", action="store_true", help="do not compare 'documentation' texts")
    ap.add_argument("--report", help="check: also write the result as JSON here")
    ap.add_argument("-v", "--verbose", action="store_true", help="print each passing step and whole diffs")
    o = ap.parse_args()

    import fnmatch
    scs = load(o.scenarios)
    if o.only:
        scs = [s for s in scs if any(s["name"].startswith(p) or fnmatch.fnmatch(s["name"], p) for p in o.only)]
    if o.quick:
        scs = [s for s in scs if s.get("quick")]
    if o.mode == "list":
        for s in scs:
            print("%-45s %s%s" % (s["name"], "[quick] " if s.get("quick") else "", s.get("doc", "")))
        return 0
    tmp = o.tmp or tempfile.mkdtemp(prefix="rest-conformance-")
    os.makedirs(tmp, exist_ok=True)
    os.chmod(tmp, 0o777)
    run = Run(o.url, tmp, o)
    golden = {}
    if o.mode == "check":
        with open_text(o.golden) as f:
            golden = json.load(f)["scenarios"]
    results, passed, failed, t0 = {}, 0, 0, time.time()
    report = []
    for sc in scs:
        t = time.time()
        recs = run.scenario(sc)
        dt = time.time() - t
        if o.mode == "record":
            bad = [r for r in recs if "error" in r or "wait_failed" in r]
            results[sc["name"]] = recs
            print("%s %s (%.1fs)" % ("RECORDED-BAD" if bad else "recorded", sc["name"], dt))
            for r in bad:
                print("    " + clip(r))
            failed += bool(bad)
            passed += not bad
            sys.stdout.flush()
            continue
        want = golden.get(sc["name"])
        lines = []
        if want is None:
            lines.append("no golden record for this scenario")
        else:
            want = relax(want, o)
            for i in range(max(len(want), len(recs))):
                w = want[i] if i < len(want) else None
                g = recs[i] if i < len(recs) else None
                label = (w or g)["label"]
                if w is None or g is None:
                    lines.append("step %d %s: %s" % (i + 1, label, "not reached" if g is None else "not in golden"))
                    continue
                d = diff(w, g)
                if d:
                    lines.append("step %d: %s" % (i + 1, label))
                    cap = 10 ** 9 if o.verbose else 12
                    lines += ["    " + x for x in d[:cap]]
                    if len(d) > cap:
                        lines.append("    ... %d more differences (-v shows all)" % (len(d) - cap))
                elif o.verbose:
                    print("  ok   step %d %s" % (i + 1, label))
        ok = not lines
        passed += ok
        failed += not ok
        report.append({"name": sc["name"], "ok": ok, "seconds": round(dt, 2), "diff": lines})
        print("%s %s (%.1fs)" % ("PASS" if ok else "FAIL", sc["name"], dt))
        for x in lines:
            print("    " + x)
        sys.stdout.flush()
    if o.mode == "record":
        with open(o.out, "w") as f:
            json.dump({"recorded_from": "Apache Kafka Connect 4.1.1", "scenarios": results}, f,
                      indent=1, sort_keys=True, ensure_ascii=False)
            f.write("\n")
    if o.report:
        with open(o.report, "w") as f:
            json.dump(report, f, indent=1)
    print("%.1f s" % (time.time() - t0))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
