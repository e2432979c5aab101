import { afterEach, expect, test, vi } from "vitest";
import type { CompatListener } from "@/api/types";
import { told } from "@/rooms/people/compat";
import { setLanguage } from "@/words";

const listener = (more: Partial<CompatListener>): CompatListener => ({ state: "listening", host: "127.0.0.1", port: 8080, url: "http://127.0.0.1:8080", beyond: false, sources: [], code: "", text: "", ...more });

afterEach(async () => {
  await setLanguage("en");
  vi.unstubAllGlobals();
});

test("an address is one that the reader's programs can use", () => {
  vi.stubGlobal("document", { documentElement: {} });
  expect(told(listener({}), "av.example.com")).toBe("Answered at http://127.0.0.1:8080, for programs on this machine only.");
  expect(told(listener({ host: "10.0.0.4", url: "http://10.0.0.4:8080", beyond: true }), "av.example.com")).toContain("http://10.0.0.4:8080");
  for (const host of ["0.0.0.0", "::", ""]) {
    const all = listener({ host, beyond: true, sources: ["10.0.0.0/8"] });
    expect(told(all, "av.example.com")).toMatch(/^Answered on port 8080 .*, such as http:\/\/av\.example\.com:8080, also for other machines\. .*10\.0\.0\.0\/8/);
    // who sits at the hub itself has no address that others could use
    for (const here of ["127.0.0.1", "localhost", "[::1]"]) expect(told(all, here)).not.toMatch(/http|127|localhost|::1/);
  }
});

test.each([
  ["port_in_use", "Port 8080 wird", "el puerto 8080"],
  ["port_forbidden", "Port 8080 darf", "el puerto 8080"],
  ["address_unknown", "Adresse 10.9.9.9", "dirección 10.9.9.9"],
])("why nothing is answered stands in every language: %s", async (code, de, es) => {
  vi.stubGlobal("document", { documentElement: {} });
  const failed = listener({ state: "failed", host: "10.9.9.9", url: null, code, text: "The hub's own sentence." });
  expect(told(failed, "x")).toBe("Not answered. The hub's own sentence.");
  await setLanguage("de");
  expect(told(failed, "x")).toContain(de);
  await setLanguage("es");
  expect(told(failed, "x")).toContain(es);
});
