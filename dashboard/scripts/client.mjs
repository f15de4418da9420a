// Writes src/api/schema.d.ts from the API's own description: `npm run client -- http://127.0.0.1:8000`.

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapi, { astToString } from "openapi-typescript";

export const FILE = new URL("../src/api/schema.d.ts", import.meta.url);

/** The types of what a server says of its API. */
export async function typesOf(host) {
  const document = await (await fetch(`${host}/openapi.json`)).json();
  // What changes with each release is no part of the types.
  document.info.version = "";
  const types = astToString(await openapi(document));
  return `// Generated from /openapi.json by \`npm run client\`; not edited by hand.\n\n${types}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(FILE, await typesOf(process.argv[2] ?? "http://127.0.0.1:8000"));
}
