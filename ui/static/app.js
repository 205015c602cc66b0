"use strict";
// The page polls the public REST API and draws what it says.
const every = 1000;
const before = new Map(); // counters of the last poll, for rates
const $ = (id) => document.getElementById(id);

function el(tag, attrs, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attrs || {})) e[k] = v;
  e.append(...children);
  return e;
}

async function get(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(path + " answered " + answer.status);
  return answer.json();
}

const number = (n) => n === undefined || n === null ? "–" : Math.round(n).toLocaleString("en");

function rate(key, value, now) {
  const last = before.get(key);
  before.set(key, { value, now });
  if (!last || now <= last.now || value < last.value) return null;
  return (value - last.value) * 1000 / (now - last.now);
}

function taskRow(name, task, stats, now) {
  const s = stats[name + "-" + task.id] || {};
  const r = s.records === undefined ? null : rate(name + "-" + task.id, s.records, now);
  return el("tr", {},
    el("td", {}, String(task.id)),
    el("td", { className: "text state " + task.state }, task.state),
    el("td", { className: "text" }, task.worker_id || ""),
    el("td", {}, number(s.records)), el("td", {}, r === null ? "–" : number(r) + "/s"),
    el("td", {}, number(s.lag)), el("td", {}, number(s.errors)), el("td", {}, number(s.dead_letters)));
}

function connector(name, c, stats, now) {
  const head = el("div", {},
    el("h2", {}, name),
    el("span", { className: "state " + c.status.connector.state }, c.status.connector.state),
    el("span", {}, c.status.type),
    el("span", { className: "class" }, (c.info && c.info.config["connector.class"]) || ""));
  const titles = ["Task", "State", "Worker", "Records", "Rate", "Lag", "Errors", "Dead letters"];
  const table = el("table", {}, el("thead", {}, el("tr", {}, ...titles.map((t, i) =>
    el("th", { className: i > 0 && i < 3 ? "text" : "" }, t)))),
    el("tbody", {}, ...c.status.tasks.map((t) => taskRow(name, t, stats, now))));
  const traces = [c.status.connector, ...c.status.tasks].filter((t) => t.trace).map((t) => el("pre", {}, t.trace));
  return el("section", {}, head, table, ...traces);
}

async function poll() {
  try {
    const [root, all, stats] = await Promise.all([get("/"), get("/connectors?expand=info&expand=status"), get("/moldau/v1/stats")]);
    const now = Date.now();
    $("worker").textContent = "version " + root.version + " · " + stats.worker + " · Kafka cluster " + root.kafka_cluster_id;
    $("link").textContent = "live";
    $("origin").textContent = location.origin;
    const names = Object.keys(all).filter((n) => all[n].status).sort();
    $("empty").hidden = names.length > 0;
    $("connectors").replaceChildren(...names.map((n) => connector(n, all[n], stats.tasks, now)));
  } catch (e) {
    $("link").textContent = "no answer: " + e.message;
  }
  setTimeout(poll, every);
}

poll();
