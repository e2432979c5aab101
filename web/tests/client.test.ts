import { afterEach, expect, test, vi } from "vitest";
import { api, limitOf } from "@/api/client";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A hub that takes everything and answers nothing. */
const hangs = () => vi.stubGlobal("fetch", (_: string, { signal }: RequestInit) => new Promise((_ok, fail) => signal!.addEventListener("abort", () => fail(new DOMException("", "AbortError")))));

test.each([
  ["GET", "/users/x", "hub_not_answering"],
  ["PATCH", "/locations/x", "hub_timed_out"],
])("%s that nobody answers ends by itself", async (method, path, code) => {
  vi.useFakeTimers();
  hangs();
  const asked = (method === "GET" ? api.get(path) : api.patch(path, {})).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(limitOf(method, path));
  expect(await asked).toMatchObject({ code, status: 0 });
});

test("a hub that is not there has done nothing", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("refused")));
  await expect(api.patch("/locations/x", {})).rejects.toMatchObject({ code: "hub_not_done" });
  await expect(api.get("/locations/x")).rejects.toMatchObject({ code: "hub_not_answering" });
});

test("what asks others, or goes through much, has longer", () => {
  for (const path of ["/organization/mail/test", "/external/hub/check", "/locations/import", "/audit/verify?now=true"]) expect(limitOf("POST", path)).toBeGreaterThan(limitOf("POST", "/views"));
});
