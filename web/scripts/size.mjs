// First load: every script index.html pulls in, gzip. Fails above the budget of interface.md.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const budget = 300 * 1024;
const html = readFileSync("dist/index.html", "utf8");
const size = (path) => gzipSync(readFileSync(`dist${path}`), { level: 9 }).length;
const kib = (n) => `${(n / 1024).toFixed(1)} KiB`;
const sum = (pattern) => [...html.matchAll(pattern)].map((m) => m[1]).reduce((n, path) => n + size(path), 0);
const script = sum(/(?:src|href)="(\/assets\/[^"]+\.js)"/g);
const style = sum(/href="(\/assets\/[^"]+\.css)"/g);
console.log(`first load: script ${kib(script)} of ${kib(budget)}, style ${kib(style)} (gzip)`);
if (script > budget) {
  console.error("Over the budget: move something into a lazy chunk.");
  process.exit(1);
}
