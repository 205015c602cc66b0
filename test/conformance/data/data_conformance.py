#!/usr/bin/env python3
"""Black-box data-plane conformance runner for Kafka Connect-compatible workers.

  data_conformance.py record --url http://host:8083 --bootstrap host:9092 --out golden.json
  data_conformance.py check  --url http://host:8083 --bootstrap host:9092 --golden golden.json

Needs the Python package confluent-kafka.  See README.md for the scenario format and the rules.
"""
import gzip
import argparse
import base64
import concurrent.futures
import datetime
import fnmatch
import glob
import http.client
import json
import os
import re
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
import zlib

from confluent_kafka import (OFFSET_BEGINNING, Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException,
                             Producer, TopicCollection, TopicPartition)
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic, ResourceType

HERE = os.path.dirname(os.path.abspath(__file__))


def open_text(path):
    """Opens a file for reading, compressed ones too."""
    return gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")

CONFLICT_RE = re.compile(r"rebalance|stale configuration|conflicting operation", re.I)
STACKTRACE = "__connect.errors.exception.stacktrace"
MISSING = object()
PRINT_LOCK = threading.Lock()


class Stop(Exception):
    """A step cannot go on."""


# ---------------------------------------------------------------- data in and out
def to_bytes(v):
    """A scenario's datum -> bytes (None stays None)."""
    if v is None:
        return None
    if isinstance(v, str):
        return v.encode("utf-8")
    if "b64" in v:
        return base64.b64decode(v["b64"])
    if "json" in v:
        return json.dumps(v["json"], ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    if "repeat" in v:
        return (v["repeat"] * v["n"]).encode("utf-8") + to_bytes(v.get("then", ""))
    if "concat" in v:
        return b"".join(to_bytes(x) for x in v["concat"])
    if "lines" in v:                                       # numbered lines: lines N, prefix
        return "".join("%s%d\n" % (v.get("prefix", "line-"), i) for i in range(v["lines"])).encode("utf-8")
    raise Stop("bad datum %r" % (v,))


def mask_trace(line):
    """Texts that belong to Java or Jackson rather than to Connect."""
    line = re.sub(r"(com\.fasterxml\.[\w.$]+): .*", r"\1: <detail>", line)
    line = re.sub(r"(java\.lang\.(?:NullPointerException|ClassCastException)): .*", r"\1: <detail>", line)
    return line


def trace_lines(text):
    """First line and the first line of every 'Caused by' (in order)."""
    lines = text.replace("\r", "").split("\n")
    return [mask_trace(x.strip()) for i, x in enumerate(lines) if i == 0 or x.startswith("Caused by:")]


# ---------------------------------------------------------------- environment shared by all scenarios
class Env:
    def __init__(self, o, tmp):
        self.o, self.tmp = o, os.path.realpath(tmp)
        self.run = uuid.uuid4().hex[:6]
        u = urllib.parse.urlsplit(o.url.rstrip("/"))
        self.scheme, self.host, self.port, self.prefix = u.scheme, u.hostname, u.port or 80, u.path
        self.base = {"bootstrap.servers": o.bootstrap, "client.id": "data-conformance", "log_level": 2,
                     "broker.address.family": "v4"}
        self.admin = AdminClient(dict(self.base))
        self.producer = Producer(dict(self.base, **{"acks": "all", "linger.ms": 5, "message.max.bytes": 8000000}))

    def http(self, method, path, body=None, timeout=60):
        cls = http.client.HTTPSConnection if self.scheme == "https" else http.client.HTTPConnection
        conn = cls(self.host, self.port, timeout=timeout)
        try:
            data = None if body is None else json.dumps(body).encode("utf-8")
            conn.request(method, self.prefix + path, data, {"Content-Type": "application/json"} if data else {})
            r = conn.getresponse()
            text = r.read().decode("utf-8", "replace")
        finally:
            conn.close()
        try:
            return r.status, json.loads(text) if text else None
        except ValueError:
            return r.status, text

    def rest(self, method, path, body=None):
        """Like http, but a 409 about a rebalance is retried: what a client must do with Connect."""
        end = time.time() + 60
        while True:
            status, b = self.http(method, path, body)
            if status == 409 and time.time() < end and CONFLICT_RE.search(json.dumps(b)):
                time.sleep(0.2)
                continue
            return status, b


# ---------------------------------------------------------------- one scenario
class Scenario:
    def __init__(self, env, sc, attempt=0):
        self.env, self.sc, self.o = env, sc, env.o
        self.p = "dp%s%08x" % (env.run, zlib.crc32(("%s%s" % (sc["name"], attempt or "")).encode()))
        now = datetime.datetime.now(datetime.timezone.utc)
        self.vars = {"p": self.p, "tmp": env.tmp, "f": "%s/%s" % (env.tmp, self.p), "run": env.run,
                     "year": now.strftime("%Y")}
        self.connectors = []
        self.late = False                                  # a wait has failed already: wait less
        self.hit_race = False

    # -- names in, names out
    def subst(self, v):
        if isinstance(v, str):
            for k, x in self.vars.items():
                v = v.replace("${%s}" % k, x)
            return v
        if isinstance(v, list):
            return [self.subst(x) for x in v]
        if isinstance(v, dict):
            return {self.subst(k): self.subst(x) for k, x in v.items()}
        return v

    def norm(self, s):
        s = s.replace(self.env.tmp, "<tmp>").replace(self.p, "<p>").replace(self.env.run, "<run>")
        s = s.replace("%s:%d" % (self.env.host, self.env.port), "<worker>")
        return re.sub(r"\[B@[0-9a-f]+", "[B@<hash>", s)

    def norm_any(self, v):
        if isinstance(v, str):
            return self.norm(v)
        if isinstance(v, list):
            return [self.norm_any(x) for x in v]
        if isinstance(v, dict):
            return {self.norm(k): self.norm_any(x) for k, x in v.items()}
        return v

    def show(self, b, masks=()):
        """bytes -> text where they are text, otherwise {"b64": ...}"""
        if b is None:
            return None
        try:
            s = b.decode("utf-8")
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(b).decode()}
        if any(ord(c) < 32 and c not in "\t\n\r" for c in s):
            return {"b64": base64.b64encode(b).decode()}
        s = self.norm(s)
        for rx, to in masks:
            s = re.sub(rx, to, s)
        return s if len(s) <= 3000 else {"text_of": len(s), "crc32": "%08x" % zlib.crc32(s.encode()), "start": s[:60]}

    # -- waiting
    def wait(self, st, fn, timeout=25):
        """Calls fn until it gives (True, value); (ok, last value)."""
        limit = st.get("timeout", timeout) * self.o.patience
        if self.late:
            limit = min(limit, 4)
        end, pause = time.time() + limit, 0.05
        while True:
            ok, v = fn()
            if ok or time.time() > end:
                self.late = self.late or not ok
                return ok, v
            time.sleep(pause)
            pause = min(pause * 1.4, 0.25)

    def path(self, name, tail=""):
        return "/connectors/%s%s" % (urllib.parse.quote(name, safe=""), tail)

    # -- steps
    def step(self, raw):
        st = self.subst(raw)
        for kind in ("sleep", "topic", "delete_topic", "produce", "file", "remove_file", "create", "put", "patch",
                     "action", "status", "consume", "sink_file", "group_offsets", "rest", "topic_info", "add_partitions"):
            if kind in st:
                rec = getattr(self, "do_" + kind)(st)
                if rec is not None:
                    rec = {"label": "%s %s" % (kind, raw[kind] if not isinstance(raw[kind], (dict, list))
                                               else "..."), **rec}
                    if kind == "action":
                        rec["label"] += " " + raw["connector"]
                    if kind == "rest":
                        rec["label"] += " " + raw["path"]
                return rec
        raise Stop("unknown step %s" % list(st))

    def do_sleep(self, st):
        time.sleep(st["sleep"])

    def do_topic(self, st):
        t = NewTopic(st["topic"], st.get("partitions", 1), 1, config=st.get("config", {}))
        for f in self.env.admin.create_topics([t], operation_timeout=20).values():
            f.result()
        self.wait({}, lambda: ((self.partitions(st["topic"]) or 0) == st.get("partitions", 1), None))

    def do_delete_topic(self, st):
        for f in self.env.admin.delete_topics([st["delete_topic"]], operation_timeout=20).values():
            f.result()

    def do_produce(self, st):
        errors = []
        pr, txn = self.env.producer, st.get("txn")
        parts = sorted({r.get("p", 0) for r in st["records"]})
        if txn:
            want = self.ends(st["produce"], parts) + len(st["records"]) + len(parts)
            pr = Producer(dict(self.env.base, **{"transactional.id": "%s-%s" % (self.p, uuid.uuid4().hex[:6])}))
            pr.init_transactions(30)
            pr.begin_transaction()
        pr.list_topics(st["produce"], 10)                      # what it writes before it knows the partitions may overtake
        for r in st["records"]:
            kw = {"partition": r.get("p", 0)}
            if "ts" in r:
                kw["timestamp"] = r["ts"]
            if r.get("h"):
                kw["headers"] = [(k, to_bytes(v)) for k, v in r["h"]]
            for attempt in range(40):
                try:
                    pr.produce(st["produce"], value=to_bytes(r.get("v")), key=to_bytes(r.get("k")),
                               on_delivery=lambda e, m: errors.append(e) if e else None, **kw)
                    break
                except KafkaException as e:                # a partition added just now
                    if e.args[0].code() != KafkaError._UNKNOWN_PARTITION or attempt == 39:
                        raise
                    pr.list_topics(st["produce"], 5)
                    time.sleep(0.2)
        pr.flush(20)
        if txn == "commit":
            pr.commit_transaction(20)
        elif txn == "abort":
            pr.abort_transaction(20)
        if errors:
            raise Stop("produce: %s" % errors[0])
        if txn:                                            # the markers are written after the answer
            self.wait(st, lambda: (self.ends(st["produce"], parts) >= want, None))

    def ends(self, topic, parts):
        c = Consumer(dict(self.env.base, **{"group.id": self.p + "-reader", "isolation.level": "read_uncommitted"}))
        try:
            return sum(c.get_watermark_offsets(TopicPartition(topic, i), timeout=10)[1] for i in parts)
        finally:
            c.close()

    def do_add_partitions(self, st):
        for f in self.env.admin.create_partitions([NewPartitions(st["add_partitions"], st["total"])]).values():
            f.result()
        self.wait(st, lambda: (self.partitions(st["add_partitions"]) == st["total"], None))

    def do_file(self, st):
        path = st["file"]
        with open(path, "ab" if st.get("append") else "wb") as f:
            f.write(to_bytes(st["content"]))
        os.chmod(path, 0o666)

    def do_remove_file(self, st):
        os.unlink(st["remove_file"])

    def do_create(self, st):
        name = st["create"]
        self.connectors.append(name)
        status, body = self.env.rest("POST", "/connectors", {"name": name, "config": st["config"]})
        return self.answer(st, status, body, 201)

    def do_put(self, st):
        self.connectors.append(st["put"])
        status, body = self.env.rest("PUT", self.path(st["put"], "/config"), st["config"])
        return self.answer(st, status, body, 200)

    def do_patch(self, st):
        status, body = self.env.rest("PATCH", self.path(st["patch"], "/config"), st["config"])
        return self.answer(st, status, body, 200)

    def answer(self, st, status, body, want):
        want = st.get("expect", want)
        if st.get("record"):
            msg = body.get("message") if isinstance(body, dict) else body
            return {"status": status, "message": self.norm(msg) if isinstance(msg, str) else None}
        if status != want:
            raise Stop("HTTP %d instead of %d: %s" % (status, want, self.norm(json.dumps(body))))

    def do_action(self, st):
        a, c = st["action"], st["connector"]
        if a == "delete":
            status, body = self.env.rest("DELETE", self.path(c))
        elif a == "restart":
            status, body = self.env.rest("POST", self.path(c, "/restart" + st.get("query", "")))
        elif a == "restart_task":
            status, body = self.env.rest("POST", self.path(c, "/tasks/%d/restart" % st.get("task", 0)))
        else:
            status, body = self.env.rest("PUT", self.path(c, "/" + a))
        if status >= 300:
            raise Stop("HTTP %d: %s" % (status, self.norm(json.dumps(body))))
        until = {"pause": {"connector": "PAUSED", "all_tasks": "PAUSED"}, "stop": {"connector": "STOPPED", "tasks": []},
                 "resume": {"connector": "RUNNING", "all_tasks": "RUNNING"}}.get(a)
        if st.get("until"):
            until = st["until"]
        if until and not st.get("nowait"):
            ok, rec = self.wait(st, lambda: self.read_status(c, until))
            if not ok:
                return {"wait_failed": True, "last": rec}
        elif a == "delete":
            self.wait(st, lambda: (self.env.http("GET", self.path(c, "/status"))[0] == 404, None))

    def read_status(self, c, until):
        code, b = self.env.http("GET", self.path(c, "/status"))
        if code != 200 or not isinstance(b, dict):
            return False, {"http": code}
        conn, tasks = b["connector"], sorted(b["tasks"], key=lambda t: t["id"])
        rec = {"connector": conn["state"], "tasks": []}
        if conn.get("trace"):
            rec["trace"] = [self.norm(x) for x in trace_lines(conn["trace"])]
        for t in tasks:
            x = {"id": t["id"], "state": t["state"]}
            if t.get("trace"):
                x["trace"] = [self.norm(y) for y in trace_lines(t["trace"])]
            rec["tasks"].append(x)
        ok = True
        if "connector" in until:
            ok &= conn["state"] == until["connector"]
        if "tasks" in until:
            ok &= [t["state"] for t in tasks] == until["tasks"]
        if "all_tasks" in until:
            ok &= bool(tasks) and all(t["state"] == until["all_tasks"] for t in tasks)
        return ok, rec

    def do_status(self, st):
        ok, rec = self.wait(st, lambda: self.read_status(st["status"], st["until"]))
        if not ok:
            return {"wait_failed": True, "last": rec}
        if st.get("settle"):
            time.sleep(st["settle"])
            _, rec = self.read_status(st["status"], st["until"])
        return rec if st.get("record", True) else None

    # -- topics
    def partitions(self, topic):
        f = self.env.admin.describe_topics(TopicCollection([topic]), request_timeout=10)[topic]
        try:
            return len(f.result().partitions)
        except KafkaException as e:
            if e.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return None
            return None

    def do_consume(self, st):
        topic, count = st["consume"], st["count"]
        if count == 0 and not st.get("exists", True):
            pass
        ok, n = self.wait(st, lambda: ((lambda x: (bool(x), x))(self.partitions(topic))))
        if not ok:
            return {"wait_failed": True, "last": "no such topic"}
        iso = st.get("isolation", "read_committed")
        c = Consumer(dict(self.env.base, **{"group.id": self.p + "-reader", "enable.auto.commit": False,
                                            "isolation.level": iso, "enable.partition.eof": True,
                                            "fetch.wait.max.ms": 60, "auto.offset.reset": "earliest",
                                            "fetch.message.max.bytes": 8000000}))
        msgs, eof = [], set()
        limit = st.get("timeout", 25) * self.o.patience
        if self.late:
            limit = min(limit, 4)
        end, settled = time.time() + limit, None
        try:
            c.assign([TopicPartition(topic, i, OFFSET_BEGINNING) for i in range(n)])
            while True:
                m = c.poll(0.1)
                now = time.time()
                if m is not None:
                    if m.error():
                        if m.error().code() == KafkaError._PARTITION_EOF:
                            eof.add(m.partition())
                    else:
                        msgs.append(m)
                        eof.discard(m.partition())
                        continue
                if len(msgs) >= count and len(eof) == n:
                    settled = settled or now
                    if now - settled >= st.get("settle", 0.7):
                        break
                elif now > end:
                    break
        finally:
            c.close()
        fields = st.get("fields", ["p", "k", "v", "h"])
        msgs.sort(key=lambda m: (m.partition(), m.offset()))
        masks = st.get("mask", [])
        out = []
        for m in msgs:
            r = {}
            if "p" in fields:
                r["p"] = m.partition()
            if "o" in fields:
                r["o"] = m.offset()
            if "k" in fields:
                r["k"] = self.show(m.key(), masks)
            if "v" in fields:
                r["v"] = self.show(m.value(), masks)
            if "h" in fields:
                r["h"] = [[k, self.header(k, v)] for k, v in (m.headers() or [])]
            if "ts" in fields:
                kind, ms = m.timestamp()
                r["ts"] = [{0: "none", 1: "create", 2: "append"}[kind],
                           "<now>" if abs(ms / 1000 - time.time()) < 3600 else ms]
            out.append(r)
        if st.get("sort"):
            out.sort(key=canon)
        if st.get("only_count"):
            out = len(out)
        rec = {"records": out}
        if len(msgs) < count:
            self.late = True
            rec["wait_failed"] = True
            rec["last"] = "%d of %d records" % (len(msgs), count)
        return rec

    def header(self, name, v):
        if v is not None and name == STACKTRACE:
            return self.show(mask_trace(v.decode("utf-8", "replace").split("\n")[0].rstrip("\r")).encode())
        x = self.show(v)
        if isinstance(x, str) and name.startswith("__connect.errors.exception.message"):
            x = mask_trace(x.split("\n")[0]) + ("\n<more>" if "\n" in x and "fasterxml" not in x else "")
        return x

    def do_topic_info(self, st):
        topic = st["topic_info"]
        if st.get("absent"):
            time.sleep(st.get("settle", 0))
            return {"partitions": self.partitions(topic)}
        ok, n = self.wait(st, lambda: ((lambda x: (bool(x), x))(self.partitions(topic))))
        if not ok:
            return {"wait_failed": True, "last": "no such topic"}
        cfg = list(self.env.admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values())[0].result()
        own = {k: e.value for k, e in cfg.items() if e.source == 1}          # DYNAMIC_TOPIC_CONFIG
        return {"partitions": n, "config": own}

    # -- sink side
    def do_sink_file(self, st):
        path, want = st["sink_file"], st["lines"]

        def read():
            try:
                with open(path, "rb") as f:
                    b = f.read()
            except OSError:
                return False, None
            return b.count(b"\n") >= want, b
        ok, b = self.wait(st, read)
        if ok:
            time.sleep(st.get("settle", 0.7))
            b = read()[1]
        if b is None:
            return {"wait_failed": True, "last": "no such file"} if not ok else {"lines": None}
        s = self.show_lines(b, st.get("mask", []))
        if st.get("group_by") and isinstance(s, list):
            groups = {}
            for x in s:
                m = re.search(st["group_by"], x)
                groups.setdefault(m.group(1) if m else "?", []).append(x)
            s = groups
        elif st.get("sort") and isinstance(s, list):
            s = sorted(s)
        if st.get("only_count"):
            s = b.count(b"\n")
        rec = {"lines": s}
        if not ok:
            rec["wait_failed"] = True
        return rec

    def show_lines(self, b, masks):
        try:
            s = self.norm(b.decode("utf-8"))
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(b).decode()}
        for rx, to in masks:
            s = re.sub(rx, to, s)
        lines = s.split("\n")
        if lines[-1] == "":
            lines.pop()
        else:
            lines[-1] += "<no newline>"
        return [x if len(x) < 3000 else "%d characters, crc32 %08x" % (len(x), zlib.crc32(x.encode())) for x in lines]

    def do_group_offsets(self, st):
        group, until = st["group_offsets"], st.get("until")

        def read():
            f = list(self.env.admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group)], request_timeout=10).values())[0]
            try:
                got = {"%s-%d" % (t.topic, t.partition): t.offset for t in f.result().topic_partitions if t.offset >= 0}
            except KafkaException:
                got = {}
            return until is None or got == until, got
        time.sleep(st.get("settle", 0))
        ok, got = self.wait(st, read)
        rec = {"offsets": {self.norm(k): v for k, v in got.items()}}
        if not ok:
            rec["wait_failed"] = True
        return rec if st.get("record", True) or not ok else None

    # -- anything else over REST
    def do_rest(self, st):
        def call():
            status, body = self.env.rest(st["rest"], st["path"], st.get("json"))
            if "until" not in st:
                return True, (status, body)
            return (status, body) == (200, st["until"]) or self.canon_offsets(body) == self.canon_offsets(st["until"]), \
                (status, body)
        ok, (status, body) = self.wait(st, call)
        if not st.get("record", True) and ok:
            if status >= 300:
                raise Stop("HTTP %d: %s" % (status, self.norm(json.dumps(body))))
            return None
        rec = {"status": status, "body": self.norm_any(self.canon_offsets(body))}
        if not ok:
            rec["wait_failed"] = True
        return rec

    @staticmethod
    def canon_offsets(body):
        if isinstance(body, dict) and isinstance(body.get("offsets"), list):
            return {"offsets": sorted(body["offsets"], key=canon)}
        return body

    # -- whole
    def play(self):
        recs = []
        try:
            for st in self.sc["steps"]:
                try:
                    r = self.step(st)
                except Exception as e:                                # noqa: BLE001
                    r = {"label": ", ".join("%s %s" % (k, v) for k, v in list(st.items())[:1]),
                         "error": self.norm("%s%s" % ("" if isinstance(e, Stop) else type(e).__name__ + ": ", e))}
                if r is not None:
                    recs.append(r)
                    if "error" in r:
                        break
        finally:
            self.cleanup()
        if any("error" in r or "wait_failed" in r for r in recs) or "ConcurrentModification" in json.dumps(recs):
            return recs, self.hit_race
        return recs, False

    def cleanup(self):
        try:
            for c in dict.fromkeys(self.connectors):
                # 4.1.1 has a race at the start of exactly-once tasks (KafkaConfigBackingStore.snapshot)
                code, b = self.env.http("GET", self.path(c, "/status"))
                if code == 200 and "\"trace\": \"java.util.ConcurrentModificationException" in json.dumps(b):
                    self.hit_race = True
                self.env.rest("DELETE", self.path(c))
            for f in glob.glob(os.path.join(self.env.tmp, self.p + "*")):
                os.unlink(f)
        except Exception as e:                                        # noqa: BLE001
            print("  cleanup of %s: %s" % (self.sc["name"], e), file=sys.stderr)


# ---------------------------------------------------------------- diff
def canon(v):
    return json.dumps(v, sort_keys=True, ensure_ascii=False)


def flatten(v, path="", out=None):
    out = {} if out is None else out
    if isinstance(v, dict) and v:
        for k, x in v.items():
            flatten(x, "%s.%s" % (path, k) if path else k, out)
    elif isinstance(v, list) and v and not re.search(r"\.(h\[\d+\]|ts)$", path):
        for i, x in enumerate(v):
            flatten(x, "%s[%d]" % (path, i), out)
    else:
        out[path] = v
    return out


def clip(v):
    s = json.dumps(v, ensure_ascii=False)
    return s if len(s) <= 400 else s[:400] + "..."


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


def relax(v, key=None):
    """--loose: no exception texts and no causes, only the first exception class of a trace."""
    if isinstance(v, dict):
        return {k: relax(x, k) for k, x in v.items()}
    if isinstance(v, list):
        if key == "trace":
            return [re.sub(r":.*", "", v[0])] if v else v
        if len(v) == 2 and isinstance(v[0], str) and v[0].startswith("__connect.errors.exception."):
            return [v[0], re.sub(r"[:\n].*", "", v[1], flags=re.S) if v[0] == STACKTRACE else
                    (v[1] if v[0].endswith("class.name") else "<text>")]
        return [relax(x) for x in v]
    return v


def compare(want, recs, o):
    lines = []
    if want is None:
        return ["no golden record for this scenario"]
    if o.loose:
        want, recs = relax(want), relax(recs)
    for i in range(max(len(want), len(recs))):
        w = want[i] if i < len(want) else None
        g = recs[i] if i < len(recs) else None
        if g is None and recs and "error" in recs[-1]:
            break
        if w is None or g is None:
            lines.append("observation %d (%s): %s" % (i + 1, (w or g)["label"], "not reached" if g is None else
                                                      "not in golden: " + clip(g)))
            continue
        d = diff(w, g)
        if d:
            lines.append("observation %d (%s)" % (i + 1, w["label"]))
            cap = 10 ** 9 if o.verbose else 14
            lines += ["    " + x for x in d[:cap]]
            if len(d) > cap:
                lines.append("    ... %d more differences (-v shows all)" % (len(d) - cap))
    return lines


# ---------------------------------------------------------------- main
def load(directory):
    out = []
    for f in sorted(glob.glob(os.path.join(directory, "*.json"))):
        with open(f) as fh:
            d = json.load(fh)
        for s in d["scenarios"]:
            s["group"] = d["group"]
            out.append(s)
    names = [s["name"] for s in out]
    assert len(names) == len(set(names)), "duplicate scenario names"
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("mode", choices=["record", "check", "list"])
    ap.add_argument("--url", default="http://127.0.0.1:8083", help="the worker's REST address")
    ap.add_argument("--bootstrap", default="127.0.0.1:9092", help="the broker")
    ap.add_argument("--scenarios", default=os.path.join(HERE, "scenarios"), help="directory of scenario files")
    ap.add_argument("--golden", default=os.path.join(HERE, "golden.json.gz"))
    ap.add_argument("--out", default="golden.json", help="record: the golden file to write")
    ap.add_argument("--tmp", help="directory for FileStream files; the worker must see the same path")
    ap.add_argument("--only", action="append", default=[], help="scenario name, prefix or glob (repeatable)")
    ap.add_argument("--quick", action="store_true", help="only the scenarios marked quick")
    ap.add_argument("--skip-quirks", action="store_true", help="leave out what pins accidents of the Java code")
    ap.add_argument("--no-eos", action="store_true", help="leave out what needs exactly.once.source.support=enabled")
    ap.add_argument("--jobs", type=int, default=8, help="scenarios at a time")
    ap.add_argument("--patience", type=float, default=1.0, help="multiplies every wait's time limit")
    ap.add_argument("--loose", action="store_true", help="compare exception classes, not their texts and causes")
    ap.add_argument("--keep-topics", action="store_true", help="leave the run's topics behind")
    ap.add_argument("--report", help="check: also write the result as JSON here")
    ap.add_argument("-v", "--verbose", action="store_true", help="print whole diffs")
    o = ap.parse_args()

    scs = load(o.scenarios)
    if o.only:
        scs = [s for s in scs if any(s["name"].startswith(p) or fnmatch.fnmatch(s["name"], p) for p in o.only)]
    if o.quick:
        scs = [s for s in scs if s.get("quick")]
    if o.no_eos:
        scs = [s for s in scs if not s.get("eos")]
    if o.skip_quirks:
        scs = [s for s in scs if not s.get("quirk")]
    if o.mode == "list":
        for s in scs:
            print("%-46s %s%s%s" % (s["name"], "[quick] " if s.get("quick") else "",
                                    "".join("[%s] " % k for k in ("quirk", "eos") if s.get(k)), s.get("doc", "")))
        return 0
    tmp = o.tmp or tempfile.mkdtemp(prefix="data-conformance-")
    os.makedirs(tmp, exist_ok=True)
    os.chmod(tmp, 0o777)
    env = Env(o, tmp)
    golden, seconds = {}, {}
    if o.mode == "check":
        with open_text(o.golden) as f:
            g = json.load(f)
        golden, seconds = g["scenarios"], g.get("seconds", {})
    t0, counts, report, results, took = time.time(), [0, 0], [], {}, {}
    scs.sort(key=lambda s: -seconds.get(s["name"], 5))                  # longest first

    def one(sc):
        t = time.time()
        for attempt in range(3):
            recs, race = Scenario(env, sc, attempt).play()
            if not race:
                break
            with PRINT_LOCK:
                print("again %s: a task hit the worker's own ConcurrentModificationException" % sc["name"])
        dt = time.time() - t
        if o.mode == "record":
            bad = [r for r in recs if "error" in r or "wait_failed" in r]
            lines = [clip(r) for r in bad]
        else:
            lines = compare(golden.get(sc["name"]), recs, o)
        with PRINT_LOCK:
            results[sc["name"]], took[sc["name"]] = recs, round(dt, 1)
            counts[bool(lines)] += 1
            report.append({"name": sc["name"], "ok": not lines, "seconds": round(dt, 2), "diff": lines})
            word = ("PASS", "FAIL") if o.mode == "check" else ("recorded", "RECORDED-BAD")
            print("%s %s (%.1fs)" % (word[bool(lines)], sc["name"], dt))
            for x in lines:
                print("    " + x)
            sys.stdout.flush()

    with concurrent.futures.ThreadPoolExecutor(max(1, o.jobs)) as ex:
        for f in [ex.submit(one, s) for s in scs if not s.get("alone")]:
            f.result()
    for s in scs:
        if s.get("alone"):
            one(s)
    if not o.keep_topics:
        mine = [t for t in env.admin.list_topics(timeout=20).topics if t.startswith("dp" + env.run)]
        if mine:
            env.admin.delete_topics(mine)
            time.sleep(0.5)
    if o.mode == "record":
        with open(o.out, "w") as f:
            json.dump({"recorded_from": "Apache Kafka Connect 4.1.1", "seconds": took, "scenarios": results}, f,
                      indent=1, sort_keys=True, ensure_ascii=False)
            f.write("\n")
    if o.report:
        with open(o.report, "w") as f:
            json.dump(report, f, indent=1)
    print("%.1f s" % (time.time() - t0))
    print("%d passed, %d failed" % (counts[0], counts[1]))
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
