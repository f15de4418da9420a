// That the client's types are those of the API that is served.

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FILE, typesOf } from "../scripts/client.mjs";
import { Berth } from "./berth";

let berth: Berth;

beforeAll(async () => {
  berth = await Berth.up();
});

afterAll(() => berth?.down());

test("the client is made of what the API says of itself: `npm run client` makes it anew", async () => {
  const types = await typesOf(berth.url);
  expect(types === (await readFile(FILE, "utf8")), "src/api/schema.d.ts is old").toBe(true);
});
