import { expect, test } from "vitest";
import { needsOf } from "../src/live/ceilings";
import cases from "../../tests/data/ceiling.json";

test.each(cases.filter((one) => one.capability === "control" && "key" in one.arguments))("what setting $arguments from $now needs", ({ arguments: asked, now, needs }) => {
  expect(needsOf(asked.key ?? "", asked.value, now)).toBe(needs);
});
