// A PostgreSQL of one's own, for servers whose database is shared; and a `berth api` that asks for tokens.

import { execFile, spawn } from "node:child_process";
import { chown, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { BINARY, freePort, redis, stop, until, withoutSettings } from "./berth";

const run = promisify(execFile);

/** The system's programs, wherever this distribution keeps them. */
async function programs(): Promise<string> {
  const versions = await readdir("/usr/lib/postgresql").catch(() => []);
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest ? `/usr/lib/postgresql/${newest}/bin/` : "";
}

/** It refuses to run as root. */
function asItself(program: string, args: string[]): [string, string[]] {
  return userInfo().uid === 0 ? ["runuser", ["-u", "postgres", "--", program, ...args]] : [program, args];
}

async function postgres(): Promise<{ url: string; end: () => Promise<void> }> {
  const bin = await programs();
  const folder = await mkdtemp(join(tmpdir(), "berth-pg-"));
  if (userInfo().uid === 0) {
    const { stdout } = await run("id", ["-u", "postgres"]);
    await chown(folder, Number(stdout), -1);
  }
  const data = join(folder, "data");
  const options = { cwd: folder, env: { ...process.env, LC_ALL: "C.UTF-8" } };
  await run(...asItself(`${bin}initdb`, ["-D", data, "-A", "trust", "-U", "postgres", "--no-sync"]), options);
  const port = await freePort();
  const args = ["-D", data, "-k", folder, "-h", "127.0.0.1", "-p", String(port), "-F"];
  const child = spawn(...asItself(`${bin}postgres`, args), options);
  let said = "";
  child.stderr.on("data", (piece) => {
    said += piece;
  });
  await until("PostgreSQL is ready", async () => said.includes("ready to accept connections"));
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    end: async () => {
      await stop(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A `berth api` on it, and a token with all rights. */
export async function signedApi(): Promise<{ url: string; token: string; end: () => Promise<void> }> {
  if (!BINARY) throw new Error("BERTH_BINARY names no program: run scripts/dashboard-test.sh");
  const [database, broker] = await Promise.all([postgres(), redis()]);
  const env = { ...withoutSettings(), XDG_CONFIG_HOME: tmpdir() };
  await run(BINARY, ["admin", "migrate", "--database-url", database.url], { env });
  const { stdout } = await run(BINARY, ["admin", "token", "--name", "root", "--database-url", database.url], { env });
  const port = await freePort();
  const args = ["api", "--listen", `127.0.0.1:${port}`, "--database-url", database.url, "--broker-url", broker.url];
  // Its log is read by nobody: a pipe that is full would have it wait for ever.
  const child = spawn(BINARY, args, { env, stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  await until("`berth api` is ready", async () => (await fetch(`${url}/readyz`).catch(() => null))?.ok);
  const token = /berth_\S+/.exec(stdout)?.[0] ?? "";
  return {
    url,
    token,
    end: async () => {
      await stop(child);
      await Promise.all([database.end(), broker.end()]);
    },
  };
}
