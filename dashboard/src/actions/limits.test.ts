import { expect, test } from "vitest";
import type { Queue } from "~/api/shapes";
import { limitBody, limitFields, limitOptions, readPairs, writePairs } from "./limits";
import { changedOnly } from "./queue";

test("quotas are read and written as pairs", () => {
  expect(readPairs(" gpu=8, memory = 64Gi ,")).toEqual({ gpu: "8", memory: "64Gi" });
  expect(writePairs({ gpu: "8", memory: "64Gi" })).toBe("gpu=8, memory=64Gi");
  expect(() => readPairs("gpu")).toThrow("`gpu` is not NAME=VALUE");
});

test("an empty field is no limit, by REST and on the command line", () => {
  const empty = { concurrency: "", quotas: "", rate: " " };
  expect(limitBody(empty)).toEqual({ concurrency: null, quotas: {}, rate: null });
  expect(limitOptions(empty)).toEqual({ concurrency: "none", quota: ["none"], rate: "none" });
});

test("what is no quota is sent as it is, so that the server says what is wrong with it", () => {
  expect(limitBody({ concurrency: "x", quotas: "gpu", rate: "" })).toEqual({
    concurrency: "x",
    quotas: "gpu",
    rate: null,
  });
});

test("only what was changed is sent", () => {
  const queue = { concurrency: 4, quotas: { gpu: "8" }, rate: null } as unknown as Queue;
  const fields = limitFields(queue);
  const values = Object.fromEntries(fields.map((field) => [field.name, field.initial ?? ""]));
  expect(changedOnly(fields, values)).toEqual({});
  expect(changedOnly(fields, { ...values, rate: "30/m" })).toEqual({ rate: "30/m" });
  expect(changedOnly(fields, { ...values, concurrency: "" })).toEqual({ concurrency: "" });
});
