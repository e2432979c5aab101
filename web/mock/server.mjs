// A stand-in for the hub, for development and screenshots only: realistic data, the HTTP API of docs/protocol/api.md, the live
// socket, and dist/ under the hub's own content policy.
//   node mock/server.mjs [--port 8055] [--edition enterprise|local_agent] [--first-run] [--empty] [--signed-in] [--still] [--joined] [--awaited]
import { createServer } from "node:http";
import { readFileSync, existsSync, statSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";

const args = process.argv.slice(2);
const flag = (name) => args.includes(`--${name}`);
const option = (name, other) => (args.includes(`--${name}`) ? args[args.indexOf(`--${name}`) + 1] : other);
const port = Number(option("port", "8055"));
const local = option("edition", "enterprise") === "local_agent";
const dist = fileURLToPath(new URL("../dist", import.meta.url));

let seed = 7;
const random = () => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff);
const pick = (list) => list[Math.floor(random() * list.length)];
let count = 0;
const id = (prefix) => `${prefix}_${String(1e6 + ++count * 7919).replace(/\d/g, (n) => "abcdefghij"[n]).padStart(26, "k")}`;
const iso = (ms) => new Date(ms).toISOString();
const now = () => Date.now();
const MIN = 60_000;

const SITES = [
  { name: "London", zone: "Europe/London", net: "10.20.4", rooms: ["Boardroom", "Auditorium", "Studio", "Townhall", "Training", "Library", "Atrium", "Huddle"], stacks: 24 },
  { name: "New York", zone: "America/New_York", net: "10.40.8", rooms: ["Madison", "Hudson", "Bryant", "Chelsea", "Tribeca", "Astor"], stacks: 20 },
  { name: "Sydney", zone: "Australia/Sydney", net: "10.60.2", rooms: ["Bondi", "Manly", "Coogee", "Bronte"], stacks: 16 },
].slice(0, local ? 1 : 3);

const sites = SITES.map((each) => ({ id: id("sit"), name: each.name, zone: each.zone }));
const agents = [];
const devices = new Map();
const points = new Map();
const history = new Map();
const commands = [];
const facts = [];
let found = [];

function fact(type, site, device, data, time = now()) {
  const item = { id: facts.length + 1, time: iso(time), received: iso(time + 40), type, site, device, data };
  facts.push(item);
  publish("events", "change", { items: [item] });
  return item;
}

function counts(list) {
  const out = { online: 0, degraded: 0, offline: 0, unknown: 0 };
  for (const each of list) out[each.status] += 1;
  return out;
}

function agentDevices(agent) {
  return counts([...devices.values()].filter((d) => d.site.id === agent.site.id && d.kind !== "stack"));
}

const REASONS = {
  refused: (address) => ({ code: "connection_refused", params: { address }, text: `Connection refused at ${address}.` }),
  silent: { code: "silent", params: {}, text: "The device does not answer." },
  gone: { code: "peripheral_gone", params: {}, text: "A peripheral is gone." },
  lost: { code: "agent_lost", params: {}, text: "Its server is out of contact." },
};

function makePoint(key, label, type, value, extra = {}) {
  return { key, label, type, value, unit: "", time: iso(now() - 4000), age_s: 1 + random() * 8, quality: "good", text: null, writable: false, assumed: false, minimum: null, maximum: null, step: null, group: "levels", origin: null, changed: iso(now() - random() * 3e7), ...extra };
}

function build() {
  SITES.forEach((plan, s) => {
    const site = sites[s];
    const lost = plan.name === "Sydney";
    const awaited = flag("awaited") && plan.name === "New York";
    const agent = {
      id: id("agt"), name: `${plan.name === "New York" ? "NewYork" : plan.name}-HQ`, site, state: lost ? "lost" : awaited ? "awaited" : "connected", since: iso(now() - (lost ? 5.2 * 60 : awaited ? 0.3 : 12 * 1440) * MIN),
      reason: lost ? { code: "network_unreachable", params: {}, text: "Last word: network unreachable. It keeps alarming locally." } : awaited ? { code: "agent_awaited", params: {}, text: "The hub started a moment ago and this server is not back yet." } : null,
      devices: {}, subnets: [`${plan.net}.0/24`, "10.20.9.0/25:10023"].slice(0, s === 0 ? 2 : 1), last_confirmed: iso(now() - (lost ? 5.2 * 60 * MIN : 2000)), waiting: 0, dropped: 0,
      version: "0.1.0", level: 1, clock_offset_s: [0.1, -0.3, 412][s], disk_free_percent: [61, 74, 22][s], added: iso(now() - 40 * 1440 * MIN), added_by: "Sam", address: `${plan.net}.2`, delay_ms: lost ? null : [11, 84, 270][s],
      scans: [
        { interface: "eth0", range: `${plan.net}.0/24`, asked: 254, total: 254, found: plan.stacks, refused: s === 0 ? 2 : 0, running: false, started: iso(now() - 9 * MIN), ended: iso(now() - 8 * MIN), next: iso(now() + 6 * MIN), swept: true, note: null },
        { interface: "eth1", range: "172.16.0.0/20", asked: 0, total: 4094, found: 0, refused: 0, running: false, started: null, ended: null, next: null, swept: false, note: "Larger than /22: not swept by itself. Add the part that holds devices.", note_code: "too_large" },
      ],
      credential_sets: [{ id: "one", user: "clearone", subnets: ["*"] }, { id: "two", user: "service", subnets: ["10.20.9.0/25"] }], policy: "list", fingerprint: "9f:12:4c:aa:07:51:be:30:4e:c8", boot: "b0a1",
    };
    agents.push(agent);
    for (let n = 0; n < plan.stacks; n++) {
      const boxes = n % 9 === 4 ? 3 : n % 4 === 1 ? 2 : 1;
      const address = `${plan.net}.${17 + n}`;
      const model = pick(["CONVERGE Pro 2 128VD", "CONVERGE Pro 2 128V", "CONVERGE Pro 2 48VTD", "CONVERGE Huddle"]);
      const firmware = pick(["7.0.0.1", "7.0.0.1", "7.0.0.1", "6.4.2.0", "5.1.9.0"]);
      const fate = lost ? "unknown" : n === 3 && s === 0 ? "offline" : n === 7 && s === 1 ? "offline" : n % 13 === 6 ? "degraded" : "online";
      const since = now() - (fate === "offline" ? 14 : fate === "degraded" ? 47 : fate === "unknown" ? 5.2 * 60 : 3000 + n * 200) * MIN;
      const reason = fate === "offline" ? REASONS.refused(address) : fate === "degraded" ? REASONS.gone : fate === "unknown" ? REASONS.lost : null;
      const stackId = id("dev");
      const serials = Array.from({ length: boxes }, (_, b) => `4471-2${(300 + n * 3 + b + s * 100).toString()}-${40 + b}`);
      const base = { model: "", part_number: "", firmware_version: "", address, port: 23, mac: "", status: fate, since: iso(since), reason, was: fate === "unknown" ? "online" : null, site, agent: { id: agent.id, name: agent.name, state: agent.state }, location: null, locate: null, age_s: fate === "online" ? random() * 9 : fate === "degraded" ? 20 : 900, provisional: false, assumed: [], former_addresses: [], first_seen: iso(now() - 40 * 1440 * MIN), capabilities: {}, box_number: 0, position: 0, boxes: [], stack: null, parent: null, children: 0, serial_number: "" };
      const room = `${plan.rooms[n % plan.rooms.length]}${n >= plan.rooms.length ? ` ${Math.floor(n / plan.rooms.length) + 1}` : ""}`;
      devices.set(stackId, { ...base, id: stackId, kind: "stack", name: room, boxes: serials, children: boxes, capabilities: { hands_off: "evidenced", refresh: "evidenced", control: "evidenced" } });
      history.set(stackId, past(fate, since, reason));
      for (let b = 0; b < boxes; b++) {
        const boxId = id("dev");
        devices.set(boxId, { ...base, id: boxId, kind: "mixer", name: `Name_${b + 1}`, model, part_number: "910-3200-102", firmware_version: firmware, mac: `00:06:24:a1:${(n + 16).toString(16)}:0${b + 1}`, serial_number: serials[b], stack: stackId, box_number: b + 1, locate: false, capabilities: { locate: "assumed", control: "evidenced", reboot: "untried", hands_off: "evidenced", refresh: "evidenced" }, assumed: ["model", "mac", "part_number"], former_addresses: n % 5 === 0 ? [`${plan.net}.9`] : [] });
        history.set(boxId, past(fate, since, reason));
        const quality = fate === "unknown" ? "agent_lost" : fate === "offline" ? "device_lost" : "good";
        const list = [];
        for (let m = 1; m <= 4; m++) {
          const number = (b + 1) * 100 + m;
          list.push(makePoint(`mic.${number}.level.gain`, `Mic ${number} gain`, "number", -3 - m, { unit: "dB", minimum: -65, maximum: 20, step: 0.5, writable: true, quality, origin: m === 2 ? "device" : null }));
          list.push(makePoint(`mic.${number}.level.mute`, `Mic ${number} mute`, "bool", m === 3, { writable: true, quality, origin: m === 3 ? { command: "cmd_x", person: "Sam" } : null }));
        }
        for (let o = 1; o <= 2; o++) {
          const number = (b + 1) * 100 + o;
          list.push(makePoint(`output.${number}.level.gain`, `Output ${number} gain`, "number", 0, { unit: "dB", minimum: -65, maximum: 20, step: 0.5, writable: true, quality: o === 2 && quality === "good" ? "old" : quality, age_s: o === 2 ? 190 : 5 }));
          list.push(makePoint(`output.${number}.level.mute`, `Output ${number} mute`, "bool", false, { writable: true, quality }));
        }
        list.push(makePoint(`proc.${(b + 1) * 100 + 1}.compressor.enable`, "Compressor", "bool", null, { quality: "unsupported" }));
        list.push(makePoint("unit.temp", "Temperature", "number", 41.5, { unit: "Cel", assumed: true, quality, group: "facts" }));
        list.push(makePoint("unit.uptime", "Uptime", "number", 1043200, { unit: "s", assumed: true, quality, group: "facts" }));
        list.push(makePoint("unit.cpu", "Processor", "number", null, { unit: "%", assumed: true, quality: "error", text: "ERROR 0 Command not found", group: "facts" }));
        points.set(boxId, new Map(list.map((p) => [p.key, p])));
        for (let p = 0; p < (n + b) % 4; p++) {
          const gone = fate === "degraded" && p === 0;
          const pid = id("dev");
          const kind = p === 2 ? "expander" : "microphone";
          devices.set(pid, { ...base, id: pid, kind, name: ["BMA 360", "BMA CT", "USB expander"][p], model: ["BMA360", "BMACT", "USB_EXP"][p], firmware_version: "3.1", serial_number: `1183-2${400 + n}-${10 + p + b * 4}`, stack: stackId, parent: boxId, position: p + 1, status: gone ? "offline" : fate === "degraded" ? "online" : fate, reason: gone ? { code: "peripheral_gone", params: {}, text: "It is gone from the chain." } : fate === "degraded" ? null : reason, since: iso(gone ? since : fate === "degraded" ? now() - 9000 * MIN : since), capabilities: { control: "unsupported" } });
          devices.get(boxId).children += 1;
        }
      }
    }
  });
  if (!local) {
    const madrid = { id: id("sit"), name: "Madrid", zone: "Europe/Madrid" };
    agents.push({ ...agents[0], id: id("agt"), name: "Madrid", site: madrid, state: "never", since: null, reason: null, subnets: [], last_confirmed: null, version: null, level: null, clock_offset_s: null, disk_free_percent: null, added: iso(now() - 2 * 1440 * MIN), address: null, delay_ms: null, scans: [], credential_sets: [], fingerprint: null, boot: null });
    agents.push({ ...agents[0], id: id("agt"), name: "Milan", site: { id: id("sit"), name: "Milan", zone: "Europe/Rome" }, state: "refused", since: iso(now() - 33 * MIN), reason: { code: "wrong_password", params: { n: 14, address: "10.50.0.4" }, text: "Wrong password, 14 tries, last from 10.50.0.4." }, subnets: [], last_confirmed: null, version: null, level: null, clock_offset_s: null, disk_free_percent: null, scans: [], credential_sets: [], fingerprint: null });
  }
  if (flag("empty")) {
    devices.clear();
    if (!local) agents.length = 0;
  }
  if (!flag("empty")) {
    found = [
      { id: "fnd_1", site: sites[0], address: `${SITES[0].net}.88`, port: 23, family: "converge_pro2", reason: { code: "sign_in_refused", params: {}, text: "The device refuses the sign-in." }, time: iso(now() - 8 * MIN), remedy: { code: "sign_in_refused", text: "Give the credentials that fit." }, serials: [] },
      { id: "fnd_2", site: sites[0], address: `${SITES[0].net}.91`, port: 23, family: "converge_pro2", reason: { code: "duplicate_serial", params: {}, text: "Two devices give the same serial." }, time: iso(now() - 8 * MIN), remedy: { code: "duplicate_serial", text: "" }, serials: ["4471-2301-40"] },
      { id: "fnd_3", site: sites[0], address: `${SITES[0].net}.120`, port: 23, family: "", reason: { code: "not_known", params: {}, text: "Not a known device." }, time: iso(now() - 8 * MIN), remedy: null, serials: [] },
      { id: "fnd_4", site: sites.at(-1), address: `${SITES.at(-1).net}.130`, port: 23, family: "converge_pro2", reason: { code: "asks", params: {}, text: "Waits to be listed." }, time: iso(now() - 3 * MIN), remedy: null, serials: ["4471-2999-40"] },
    ];
    const some = [...devices.values()].filter((d) => d.kind === "mixer");
    fact("agent.connected", sites[0].id, null, { name: agents[0].name }, now() - 12 * 1440 * MIN);
    fact("device.found", sites[0].id, some[0].id, { name: "Name_1" }, now() - 200 * MIN);
    if (!local) fact("agent.lost", sites[2].id, null, { name: agents[2].name }, now() - 5.2 * 60 * MIN);
    for (const d of some.filter((each) => each.status === "offline" || each.status === "degraded")) fact("device.status", d.site.id, d.id, { name: d.name, status: d.status, reason: d.reason }, Date.parse(d.since));
    fact("command.ended", sites[0].id, some[0].id, { capability: "locate", status: "done", person: "Sam" }, now() - 6 * MIN);
    fact("scan.done", sites[0].id, null, { name: agents[0].name }, now() - 5 * MIN);
    facts.sort((a, b) => (a.time < b.time ? -1 : 1)).forEach((each, index) => (each.id = index + 1));
  }
}

function past(fate, since, reason) {
  const list = [{ status: fate, since: iso(since), until: null, reason }];
  let at = since;
  const words = ["online", "degraded", "online", "offline", "online"];
  for (const [index, status] of words.entries()) {
    if (status === fate && index === 0) continue;
    const from = at - (status === "online" ? 1900 : 90) * MIN * (1 + random());
    list.push({ status, since: iso(from), until: iso(at), reason: null });
    at = from;
  }
  return list;
}

// ---- live ------------------------------------------------------------------------------------------------------------
const clients = new Set();
function publish(topic, type, data) {
  for (const client of clients) {
    if (!client.topics.has(topic)) continue;
    const seq = client.topics.get(topic) + 1;
    client.topics.set(topic, seq);
    client.socket.send(JSON.stringify({ topic, type, seq, data }));
  }
}
function publishDevice(device, fields) {
  publish(`device:${device.id}`, "change", { device: fields });
  for (const client of clients)
    for (const topic of client.topics.keys()) {
      if (!topic.startsWith("list:")) continue;
      const q = new URLSearchParams(topic.slice(5));
      const inside = client.lists.get(topic) ?? new Set();
      const fits = matches(device, q);
      if (!fits && !inside.has(device.id)) continue;
      const seq = client.topics.get(topic) + 1;
      client.topics.set(topic, seq);
      const total = filtered(q).length;
      const message = !fits ? { type: "gone", data: { ids: [device.id], total } } : { type: "change", data: { items: [inside.has(device.id) ? { id: device.id, ...fields } : { ...device, new: true }], total } };
      if (fits) inside.add(device.id);
      else inside.delete(device.id);
      client.lists.set(topic, inside);
      client.socket.send(JSON.stringify({ topic, seq, ...message }));
    }
}

function matches(d, q) {
  const list = (name) => (q.get(name) ? q.get(name).split(",") : null);
  const kinds = (list("kind") ?? []).flatMap((k) => (k === "pro_audio" ? ["stack", "mixer", "microphone", "expander"] : [k]));
  if (kinds.length && !kinds.includes(d.kind)) return false;
  if (list("status") && !list("status").includes(d.status)) return false;
  if (list("site") && !list("site").includes(d.site.id)) return false;
  if (q.get("agent") && d.agent?.id !== q.get("agent")) return false;
  if (q.get("stack") && d.stack !== q.get("stack")) return false;
  if (q.get("parent") && d.parent !== q.get("parent")) return false;
  if (q.get("location") && !under(d, q.get("location"))) return false;
  if (q.get("model") && d.model !== q.get("model")) return false;
  if (q.get("firmware") && d.firmware_version !== q.get("firmware")) return false;
  if (q.get("q")) {
    const text = [d.name, d.serial_number, ...d.boxes, d.address, ...d.former_addresses, d.mac, d.model, d.site.name].join(" ").toLowerCase();
    if (!text.includes(q.get("q").toLowerCase())) return false;
  }
  return true;
}
const filtered = (q) => [...devices.values()].filter((d) => matches(d, q));
function listing(q) {
  const all = filtered(q);
  const limit = Number(q.get("limit") ?? 100);
  const from = Number(q.get("cursor") ?? 0);
  return { items: all.slice(from, from + limit), total: all.length, next: from + limit < all.length ? String(from + limit) : null };
}

function summary() {
  const kinds = {};
  for (const kind of ["mixer", "microphone", "expander"]) kinds[kind] = counts([...devices.values()].filter((d) => d.kind === kind));
  const states = { connected: 0, awaited: 0, lost: 0, never: 0, refused: 0 };
  for (const agent of agents) states[agent.state] = (states[agent.state] ?? 0) + 1;
  const needs = [];
  for (const agent of agents.filter((a) => a.state === "lost")) {
    const n = Object.values(agentDevices(agent)).reduce((a, b) => a + b, 0);
    needs.push({ status: "unknown", title: agent.name, where: agent.site.name, code: agent.reason.code, params: agent.reason.params, text: agent.reason.text, since: agent.since, devices: n, target: `/servers/${agent.id}` });
  }
  for (const d of [...devices.values()].filter((each) => each.kind === "stack" && ["offline", "degraded"].includes(each.status)).sort((a, b) => (a.status < b.status ? 1 : -1)).slice(0, 4)) needs.push({ status: d.status, title: d.name, where: d.site.name, code: d.reason?.code ?? "", params: d.reason?.params ?? {}, text: d.reason?.text ?? "", since: d.since, devices: d.boxes.length, target: `/devices/${d.id}` });
  const unread = {};
  for (const each of found) unread[each.reason.code] = (unread[each.reason.code] ?? 0) + 1;
  return { kinds, stacks: counts([...devices.values()].filter((d) => d.kind === "stack")), agents: states, sites: agents.length, found: unread, needs: needs.slice(0, 5), as_of: iso(now()) };
}

const agentItem = (agent) => ({ ...agent, devices: agentDevices(agent), scans: undefined, credential_sets: undefined, policy: undefined, fingerprint: undefined, boot: undefined });
const agentDetail = (agent) => ({ ...agent, devices: agentDevices(agent) });
let external = { configured: false, url: null, name: null, state: "none", since: null, reason: null, next_try: null, devices_reported: null, last_confirmed: null, fingerprint: null, waiting: 0 };
if (flag("joined")) external = { ...external, configured: true, url: "wss://av.example.com/api/v1/agent", name: "London-HQ", state: "connected", since: iso(now() - 90 * MIN), devices_reported: 31, last_confirmed: iso(now() - 2000), fingerprint: "9f:12:4c:aa:07:51:be:30:4e:c8:77:01" };
let credentials = [{ id: "crd_1", user: "clearone", subnets: ["*"] }, { id: "crd_2", user: "service", subnets: ["10.20.9.0/25"] }];
let discovery = { subnets: ["auto"], policy: "list", interval_s: 900, interfaces: [{ name: "eth0", range: "10.20.4.0/24", swept: true, note: null }, { name: "eth1", range: "172.16.0.0/20", swept: false, note: "Larger than /22: not swept by itself. Add the part that holds devices.", note_code: "too_large" }] };
let owner = flag("first-run") ? null : { id: "usr_1", sign_in: local ? "sam" : "sam@example.com", name: "Sam", role: "Owner" };
let signedIn = flag("signed-in");

const session = () => ({ edition: local ? "local_agent" : "enterprise", version: "0.1.0", instance: "3f9a11c2", name: local ? "" : "Example Corp", first_run: owner === null, person: signedIn ? owner : null, site: local ? sites[0] : null, rights: signedIn ? ["see", "control", "administer", "own"] : [], agents: local ? null : { port: 8443, url: null }, fingerprint: local || !signedIn ? null : "4e:c8:77:01:9f:12:4c:aa:07:51:be:30:18:d2:65:0f:aa:34:91:7c:e0:55:b6:2d:83:4a:19:fe:70:c1:5b:3e" });

// ---- places: a city for each site, a building in it, a room for each stack; the last site's stacks are nowhere ----------
const places = [];

function place(parent, name, kind, own = {}) {
  const made = { id: id("loc"), parent: parent?.id ?? null, name, path: parent ? `${parent.path} > ${name}` : name, kind, zone: own.zone ?? parent?.zone ?? "", address: own.address ?? parent?.address ?? "", contact: own.contact ?? parent?.contact ?? "", own: Object.keys(own), notes: "", photos: [], way: false, created: iso(now()) };
  places.push(made);
  return made;
}

function draw() {
  for (const site of sites.slice(0, Math.max(1, sites.length - 1))) {
    const hq = place(place(null, site.name, "city", { zone: site.zone, contact: "Ana, 020 7946 0100" }), "HQ", "building", { address: "1 High Street" });
    const stacks = [...devices.values()].filter((each) => each.site.id === site.id && each.kind === "stack");
    const floors = [place(hq, "3", "floor"), place(hq, "4", "floor")];
    floors.forEach((floor, f) => {
      for (const stack of stacks.filter((_, n) => n % 2 === f)) {
        const room = place(floor, stack.name, "room");
        for (const device of devices.values())
          if (device.id === stack.id || device.stack === stack.id) device.location = { id: room.id, name: room.name, path: room.path, zone: room.zone, by: device.id === stack.id ? "hand" : "inherited" };
      }
    });
  }
}

const under = (device, top) => (top === "none" ? !device.location : Boolean(device.location) && `${device.location.path} > `.startsWith(`${places.find((each) => each.id === top)?.path} > `));

function locations() {
  const counted = [...devices.values()].filter((each) => each.kind !== "stack");
  const item = (each) => {
    const found = counts(counted.filter((device) => under(device, each.id)));
    const rooms = places.filter((other) => other.kind === "room" && `${other.path} > `.startsWith(`${each.path} > `)).length;
    return { ...each, children: places.filter((other) => other.parent === each.id).length, rooms, devices: found, worst: ["offline", "degraded", "unknown", "online"].find((status) => found[status] > 0) ?? null };
  };
  const order = [];
  const walk = (parent) => places.filter((each) => each.parent === parent).forEach((each) => (order.push(item(each)), walk(each.id)));
  walk(null);
  return { items: order, unplaced: counted.filter((device) => !device.location).length };
}

function snapshot(topic) {
  if (topic === "locations") return locations();
  if (topic === "summary") return summary();
  if (topic === "agents") return { items: agents.map(agentItem) };
  if (topic === "found") return { items: found };
  if (topic === "events") return { log: "log_1", last: facts.length };
  if (topic === "external") return external;
  if (topic.startsWith("agent:")) return agents.filter((a) => a.id === topic.slice(6)).map(agentDetail)[0];
  if (topic.startsWith("list:")) return listing(new URLSearchParams(topic.slice(5)));
  if (topic.startsWith("device:")) {
    const device = devices.get(topic.slice(7));
    return device && { device, points: [...(points.get(device.id)?.values() ?? [])], commands: commands.filter((c) => c.device === device.id).slice(0, 10) };
  }
  return undefined;
}

// ---- commands --------------------------------------------------------------------------------------------------------
const NOT_FOUND = { type: "about:blank", title: "Not found", status: 404, code: "not_found", detail: "There is no such thing here, or it is not for you.", params: {} };
const problem = (status, code, detail, params = {}) => ({ problem: { type: "about:blank", title: code, status, code, detail, params } });

function command(device, body) {
  const was = body.capability === "control" ? points.get(device.id)?.get(body.arguments.key)?.value : undefined;
  const cmd = { id: id("cmd"), device: device.id, capability: body.capability, arguments: body.arguments ?? {}, status: "accepted", reason: null, result: null, person: "Sam", asked: iso(now()), deadline: iso(now() + 30_000), ended: null, assumed: device.capabilities[body.capability] !== "evidenced", undo: null };
  commands.unshift(cmd);
  const step = (ms, run) => setTimeout(run, ms);
  const tell = (change) => {
    Object.assign(cmd, change);
    publish(`device:${device.id}`, "change", { commands: [cmd] });
  };
  const end = (status, reason = null, undo = null) => {
    tell({ status, reason, ended: iso(now()), undo });
    fact("command.ended", device.site.id, device.id, { id: cmd.id, capability: cmd.capability, arguments: cmd.arguments, status, reason, person: "Sam" });
  };
  fact("command.accepted", device.site.id, device.id, { id: cmd.id, capability: cmd.capability, arguments: cmd.arguments, status: "accepted", person: "Sam" });
  step(250, () => tell({ status: "sent" }));
  const lost = device.status === "unknown" || device.status === "offline";
  const key = cmd.arguments.key ?? "";
  if (lost) step(4000, () => end("expired", { code: "expired", params: { seconds: 30 }, text: "No answer in 30 s." }));
  else if (cmd.capability === "control" && key.includes("04.level.gain")) step(900, () => end("refused", { code: "another_device", params: {}, text: "Another device answers here." }));
  else if (cmd.capability === "control" && key.includes("04.level.mute")) step(900, () => end("failed", { code: "device_error", params: {}, text: "ERROR 0 Argument error" }));
  else if (cmd.capability === "control")
    step(800, () => {
      end("done", null, { capability: "control", arguments: { key, value: was } });
      step(350, () => setPoint(device, key, cmd.arguments.value, { command: cmd.id, person: "Sam" }));
    });
  else if (cmd.capability === "locate")
    step(800, () => {
      end("done", null, { capability: "locate", arguments: { on: !cmd.arguments.on } });
      step(300, () => {
        device.locate = cmd.arguments.on;
        publishDevice(device, { locate: device.locate });
        if (device.locate)
          step(30_000, () => {
            device.locate = false;
            publishDevice(device, { locate: false });
          });
      });
    });
  else if (cmd.capability === "reboot") {
    const all = family(device);
    step(700, () => all.forEach((each) => set(each, { status: "offline", since: iso(now()), reason: REASONS.refused(device.address) })));
    step(20_000, () => {
      all.forEach((each) => set(each, { status: "online", since: iso(now()), reason: null }));
      end("done");
    });
  } else if (cmd.capability === "hands_off")
    step(600, () => {
      end("done");
      const minutes = cmd.arguments.minutes;
      const words = `the line is closed for ${minutes * 60} s, as asked`;
      for (const each of family(device)) set(each, { reason: minutes ? { code: "hands_off", params: { words }, text: `Hands off: the line was given up on request: ${words}` } : null });
    });
  else step(400, () => end("done"));
  return cmd;
}

const family = (device) => [...devices.values()].filter((each) => (each.stack ?? each.id) === (device.stack ?? device.id));
function set(device, fields) {
  Object.assign(device, fields);
  publishDevice(device, fields);
}

function setPoint(device, key, value, origin) {
  const point = points.get(device.id)?.get(key);
  if (!point) return;
  Object.assign(point, { value, time: iso(now()), age_s: 0, origin, changed: iso(now()), quality: point.quality === "old" ? "good" : point.quality });
  publish(`device:${device.id}`, "change", { points: [{ key, value, time: point.time, age_s: 0, origin, changed: point.changed, quality: point.quality }] });
}

// ---- http ------------------------------------------------------------------------------------------------------------
function route(method, path, q, body) {
  const parts = path.split("/").filter(Boolean);
  const [a, b, c, d] = parts;
  if (a === "locations" && !b && method === "GET") return locations();
  if (a === "locations" && b === "rules" && method === "GET") return { items: [] };
  if (a === "health") return { status: "ok", edition: session().edition, version: "0.1.0", link_level: 1 };
  if (a === "session") {
    if (method === "GET") return session();
    if (method === "DELETE") return (signedIn = false), null;
    if (body.sign_in?.startsWith("agent")) return problem(403, "agent_account", "This is a server's account.");
    if (body.password === "wrong") return problem(401, "sign_in_failed", "Name or password is wrong.");
    owner ??= { id: "usr_1", sign_in: body.sign_in, name: "Sam", role: "Owner" };
    signedIn = true;
    return session();
  }
  if (a === "first-run") {
    if (owner) return problem(409, "first_run_done", "The first owner exists already; sign in instead.");
    if (body.code !== "1234") return problem(403, "first_run_code", "Wrong code.");
    if ((body.password ?? "").length < 12) return problem(400, "weak_password", "Too short.");
    owner = { id: "usr_1", sign_in: body.sign_in, name: body.name, role: "Owner" };
    signedIn = true;
    return session();
  }
  if (!signedIn) return problem(401, "unauthenticated", "Sign in.");
  if (a === "devices") {
    if (!b) return listing(q);
    const device = devices.get(b);
    if (!device) return { problem: NOT_FOUND };
    if (!c) return device;
    if (c === "points") return { items: [...(points.get(b)?.values() ?? [])] };
    if (c === "history") return { items: history.get(b) ?? [] };
    if (c === "commands") {
      if (!device.capabilities[body.capability] || device.capabilities[body.capability] === "unsupported") return problem(409, "not_supported", "This device does not support it.");
      const cmd = command(device, body);
      return { created: 202, body: { id: cmd.id, status: "accepted" } };
    }
  }
  if (a === "commands") return b ? (commands.find((each) => each.id === b) ?? { problem: NOT_FOUND }) : { items: commands.filter((each) => !q.get("device") || each.device === q.get("device")), next: null };
  if (a === "found") {
    if (c === "list") {
      setTimeout(() => {
        found = found.filter((each) => each.id !== b);
        publish("found", "gone", { ids: [b] });
      }, 900);
      return { created: 202, body: {} };
    }
    return { items: found };
  }
  if (a === "summary") return summary();
  if (a === "events") {
    const before = Number(q.get("before") ?? 0);
    const types = q.get("type")?.split(",");
    const items = facts.filter((f) => (!types || types.includes(f.type)) && (!q.get("device") || f.device === q.get("device")) && (!q.get("site") || f.site === q.get("site")) && (!before || f.id < before));
    return { log: "log_1", items: (before ? items.reverse() : items).slice(0, Number(q.get("limit") ?? 100)), next: null };
  }
  if (a === "sites") return { items: [...agents.map((each) => ({ ...each.site, agent: { id: each.id, name: each.name }, devices: agentDevices(each) })), { id: "sit_free", name: "Paris", zone: "Europe/Paris", agent: null, devices: {} }] };
  if (a === "agents") {
    if (!b && method === "GET") return { items: agents.map(agentItem) };
    if (!b) {
      if (agents.some((each) => each.name === body.name)) return problem(409, "name_taken", "This name is taken.");
      const made = { ...agentItem(agents[0] ?? { subnets: [] }), id: id("agt"), name: body.name, site: { id: id("sit"), name: body.name, zone: "Europe/London" }, state: "never", since: null, reason: null, subnets: [], last_confirmed: null, waiting: 0, dropped: 0, version: null, level: null, clock_offset_s: null, disk_free_percent: null, added: iso(now()), added_by: "Sam", address: null, delay_ms: null, scans: [], credential_sets: [], policy: "list", fingerprint: null, boot: null };
      agents.push(made);
      publish("agents", "change", { items: [agentItem(made)] });
      publish("summary", "change", { agents: summary().agents, sites: agents.length });
      return { created: 201, body: { id: made.id, name: made.name, site: made.site, password: body.password || "hk3fd-9dkw2-pq7zz-mm4ra" } };
    }
    const agent = agents.find((each) => each.id === b);
    if (!agent) return { problem: NOT_FOUND };
    if (method === "DELETE") {
      agents.splice(agents.indexOf(agent), 1);
      publish("agents", "gone", { ids: [b] });
      publish(`agent:${b}`, "gone", {});
      return null;
    }
    if (method === "PATCH") {
      agent.name = body.name;
      publish("agents", "change", { items: [agentItem(agent)] });
      publish(`agent:${b}`, "change", { name: agent.name });
      return agentItem(agent);
    }
    if (c === "password" || c === "hand-over") return { password: "q7mmz-4rahk-3fd9d-kw2pz" };
    if (c === "scan") {
      if (agent.state !== "connected") return problem(409, "agent_lost", "The server is out of contact.");
      const scan = agent.scans[0];
      Object.assign(scan, { running: true, asked: 0, started: iso(now()) });
      const timer = setInterval(() => {
        scan.asked = Math.min(scan.total, scan.asked + 60);
        if (scan.asked === scan.total) {
          Object.assign(scan, { running: false, ended: iso(now()) });
          clearInterval(timer);
        }
        publish(`agent:${b}`, "change", { scans: agent.scans });
      }, 400);
      return { created: 202, body: {} };
    }
    return agentDetail(agent);
  }
  if (a === "external") {
    if (c === "check") {
      if (!body.url || body.url.includes(" ")) return problem(400, "hub_url", "Not an address.");
      if (body.url.includes(":8000")) return problem(409, "no_tls", `${body.url} does not speak TLS. If that is the port of the hub's page, use its port for servers instead, 8443 unless it was changed.`);
      if (body.url.startsWith("ws://")) return { url: `${body.url}/agent/link`, fingerprint: "", trusted: "none", hub: "hub_1", name: "Example Corp" };
      if (body.url.includes("nowhere")) return problem(503, "hub_unreachable", "Nothing answers.");
      return { url: `wss://${body.url.replace(/^\w+:\/\//, "")}/api/v1/agent`, fingerprint: "4e:c8:77:01:9f:12:4c:aa:07:51:be:30:18:d2:65:0f:aa:34:91:7c:e0:55:b6:2d:83:4a:19:fe:70:c1:5b:3e", trusted: "own_ca", hub: "hub_1", name: "Example Corp" };
    }
    if (method === "PUT") {
      external = { ...external, configured: true, url: body.url, name: body.name, state: "connecting", since: iso(now()), fingerprint: body.fingerprint };
      publish("external", "change", external);
      setTimeout(() => {
        external = body.password === "wrong" ? { ...external, state: "refused", reason: { code: "hub_password", params: {}, text: "The hub refuses name or password." }, next_try: iso(now() + 60_000) } : { ...external, state: "connected", since: iso(now()), reason: null, devices_reported: devices.size, last_confirmed: iso(now()) };
        publish("external", "change", external);
      }, 1200);
      return external;
    }
    if (method === "DELETE") {
      external = { ...external, configured: false, state: "none", url: null, name: null };
      publish("external", "change", external);
      return null;
    }
    return external;
  }
  if (a === "local" && b === "credentials") {
    if (method === "PUT") credentials = body.items.map((each, index) => ({ id: each.id ?? `crd_${now()}_${index}`, user: each.user, subnets: each.subnets }));
    return { items: credentials };
  }
  if (a === "local" && b === "discovery") {
    if (method === "PUT") discovery = { ...discovery, ...body };
    return discovery;
  }
  return d === undefined ? { problem: NOT_FOUND } : { problem: NOT_FOUND };
}

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json" };
const CSP = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://x");
  if (url.pathname.startsWith("/api/v1/")) {
    let text = "";
    for await (const chunk of request) text += chunk;
    const answer = route(request.method, url.pathname.slice(7), url.searchParams, text ? JSON.parse(text) : {});
    if (answer === null) return response.writeHead(204).end();
    if (answer?.problem) return response.writeHead(answer.problem.status, { "Content-Type": "application/problem+json" }).end(JSON.stringify(answer.problem));
    const created = answer?.created;
    return response.writeHead(created ?? 200, { "Content-Type": "application/json" }).end(JSON.stringify(created ? answer.body : answer));
  }
  let file = join(dist, normalize(url.pathname));
  if (!file.startsWith(dist) || !existsSync(file) || statSync(file).isDirectory()) file = join(dist, "index.html");
  response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream", "Content-Security-Policy": CSP }).end(readFileSync(file));
});

const sockets = new WebSocketServer({ server, path: "/api/v1/live" });
sockets.on("connection", (socket) => {
  if (!signedIn) return socket.close(4401);
  const client = { socket, topics: new Map(), lists: new Map() };
  clients.add(client);
  socket.on("close", () => clients.delete(client));
  socket.on("message", (data) => {
    const message = JSON.parse(data);
    if (message.ping) socket.send(JSON.stringify({ pong: message.ping }));
    for (const topic of message.unsubscribe ?? []) client.topics.delete(topic);
    for (const topic of message.subscribe ?? []) {
      const shot = snapshot(topic);
      if (shot === undefined) {
        socket.send(JSON.stringify({ topic, type: "error", data: NOT_FOUND }));
        continue;
      }
      client.topics.set(topic, 1);
      if (topic.startsWith("list:")) client.lists.set(topic, new Set(filtered(new URLSearchParams(topic.slice(5))).map((each) => each.id)));
      socket.send(JSON.stringify({ topic, type: "snapshot", seq: 1, data: shot }));
    }
  });
});

build();
if (!flag("empty")) draw();
if (!flag("still"))
  setInterval(() => {
    // readings come in, and now and then a stack changes its status
    for (const device of devices.values()) if (device.status === "online" && random() < 0.1) publishDevice(device, { age_s: (device.age_s = random() * 2) });
    const online = [...devices.values()].filter((d) => d.kind === "mixer" && d.status === "online");
    if (random() < 0.15 && online.length) {
      const device = pick(online);
      const down = { status: "degraded", since: iso(now()), reason: REASONS.silent };
      Object.assign(device, down);
      publishDevice(device, down);
      fact("device.status", device.site.id, device.id, { name: device.name, status: "degraded", reason: REASONS.silent });
      publish("summary", "change", summary());
      setTimeout(() => {
        const up = { status: "online", since: iso(now()), reason: null };
        Object.assign(device, up);
        publishDevice(device, up);
        publish("summary", "change", summary());
      }, 15_000);
    }
    for (const agent of agents.filter((each) => each.state === "connected")) {
      agent.last_confirmed = iso(now());
      publish("agents", "change", { items: [agentItem(agent)] });
      publish(`agent:${agent.id}`, "change", { last_confirmed: agent.last_confirmed });
    }
  }, 2_000);
server.listen(port, "127.0.0.1", () => console.log(`mock ${local ? "local agent" : "hub"} on http://127.0.0.1:${port}`));
