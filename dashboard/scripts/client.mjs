// Writes src/api/schema.d.ts from the API's own description: `npm run client -- http://127.0.0.1:8000`.

import { writeFileSync } from "node:fs";
import openapi, { astToString } from "openapi-typescript";

const host = process.argv[2] ?? "http://127.0.0.1:8000";
const document = await (await fetch(`${host}/openapi.json`)).json();
// What changes with each release is no part of the types.
document.info.version = "";
const types = astToString(await openapi(document));
writeFileSync(
  new URL("../src/api/schema.d.ts", import.meta.url),
  `// Generated from /openapi.json by \`npm run client\`; not edited by hand.\n\n${types}`,
);
