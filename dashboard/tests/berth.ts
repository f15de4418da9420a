// A real `berth up` in a folder of its own, on a free port, with real runs; and a Redis where its broker is asked for.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const BINARY = process.env.BERTH_BINARY;

/** Waits for what must become true; says what did not, if it does not. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false>,
  seconds = 30,
): Promise<T> {
  const end = Date.now() + seconds * 1_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it did not come true within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const killed = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await gone;
  clearTimeout(killed);
}

/** Settings of the surroundings are not for the tests. */
export function withoutSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("BERTH_")));
}

export interface Answer<T> {
  status: number;
  body: T;
}

export class Berth {
  url = "";
  token: string | null = null;
  private readonly folder: string;
  private readonly args: string[];
  private child: ChildProcess | null = null;

  private constructor(folder: string, args: string[]) {
    this.folder = folder;
    this.args = args;
  }

  /** Starts one; `args` are more of its options. */
  static async up(...args: string[]): Promise<Berth> {
    const berth = new Berth(await mkdtemp(join(tmpdir(), "berth-page-")), args);
    try {
      await berth.start("127.0.0.1:0");
      return berth;
    } catch (error) {
      await berth.end();
      throw error;
    }
  }

  private async start(listen: string): Promise<void> {
    if (!BINARY) throw new Error("BERTH_BINARY names no program: run scripts/dashboard-test.sh");
    const env = withoutSettings();
    const options = ["up", "--listen", listen, "--data-dir", join(this.folder, "data"), ...this.args];
    const child = spawn(BINARY, options, { env: { ...env, XDG_CONFIG_HOME: this.folder } });
    this.child = child;
    let said = "";
    let log = "";
    child.stdout.on("data", (piece) => {
      said += piece;
    });
    child.stderr.on("data", (piece) => {
      log = (log + piece).slice(-4_000);
    });
    this.url = await until("`berth up` is ready", async () => {
      if (child.exitCode !== null) throw new Error(`\`berth up\` ended with ${child.exitCode}: ${log}`);
      return /berth is ready: (http\S+)/.exec(said)?.[1];
    });
  }

  /** Ends the server, as an upgrade would; runs go on. */
  async stop(): Promise<void> {
    if (this.child) await stop(this.child);
  }

  /** Starts it again, at the same address. */
  async startAgain(): Promise<void> {
    await this.start(new URL(this.url).host);
  }

  private async end(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Ends what runs, which would outlive the server, and then the server. */
  async down(): Promise<void> {
    try {
      await this.post("/api/v1/orgs/default/runs/stop", { query: "" });
      await until("no run is left", async () => {
        const { statuses } = await this.get<{ statuses: Record<string, number> }>("/api/v1/orgs/default/overview");
        const live = ["scheduled", "starting", "running", "stopping"];
        return live.every((status) => !statuses[status]);
      });
    } finally {
      await this.end();
    }
  }

  async send<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const headers: Record<string, string> = this.token ? { Authorization: `Token ${this.token}` } : {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const response = await fetch(this.url + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: (text ? JSON.parse(text) : null) as T };
  }

  private async ok<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.send<T>(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  get<T>(path: string): Promise<T> {
    return this.ok("GET", path);
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.ok("POST", path, body);
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.ok("PATCH", path, body);
  }

  /** Submits a job that runs a shell's line. */
  async submit(line: string, { name = "job", queue, project = "default", priority }: Submission = {}): Promise<string> {
    const container = { image: "busybox", command: ["sh", "-c"], args: [line] };
    const content = JSON.stringify({
      kind: "operation",
      name,
      ...(queue ? { queue } : {}),
      ...(priority === undefined ? {} : { priority }),
      component: { kind: "component", run: { kind: "job", container } },
    });
    const { uuid } = await this.post<{ uuid: string }>(`/api/v1/default/${project}/runs`, { content });
    return uuid;
  }

  async reaches(uuid: string, status: string): Promise<void> {
    await until(`run ${uuid} is ${status}`, async () => {
      const run = await this.get<{ status: string }>(`/api/v1/orgs/default/runs/${uuid}`);
      return run.status === status;
    });
  }
}

export interface Submission {
  name?: string;
  queue?: string;
  project?: string;
  priority?: number;
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

/** A Redis of one's own, as a broker. */
export async function redis(): Promise<{ url: string; port: number; end: () => Promise<void> }> {
  const port = await freePort();
  const child = spawn("redis-server", [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "no",
  ]);
  await new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`redis-server ended with ${code}`)));
    child.stdout.on("data", (piece) => String(piece).includes("Ready to accept connections") && resolve());
  });
  return { url: `redis://127.0.0.1:${port}/0`, port, end: () => stop(child) };
}

/** An installation that has something of everything: queues that are full, paused and not served, runs in every state. */
export async function furnish(berth: Berth): Promise<void> {
  const agents = "/api/v1/orgs/default/agents";
  await berth.post(agents, {
    name: "eu-west",
    description: "GPUs in the west",
    labels: { zone: "eu", gpu: "a100" },
    concurrency: 40,
  });
  await berth.post(agents, { name: "laptop", labels: { owner: "ann" } });
  const queues: [string, object][] = [
    ["local", { name: "batch", description: "one after the other", concurrency: 1, fairness: "project" }],
    ["local", { name: "urgent", priority: 9, concurrency: 4, rate: "600/m" }],
    ["local", { name: "held", paused: { reason: "disks are changed" } }],
    ["eu-west", { name: "gpu", quotas: { gpu: "8", memory: "256Gi" }, concurrency: 8, max_backlog: 500 }],
  ];
  for (const [agent, queue] of queues) await berth.post(`${agents}/${agent}/queues`, queue);
  for (const name of ["vision", "audio"]) {
    await berth.post("/api/v1/default/projects/create", { name, description: `Models of ${name}`, tags: ["models"] });
  }
  const long = await berth.submit("echo begun; sleep 600", {
    name: "train-long",
    queue: "local/batch",
    project: "vision",
  });
  await berth.reaches(long, "running");
  for (let at = 0; at < 12; at += 1) {
    const project = at % 3 === 0 ? "audio" : "vision";
    await berth.submit("sleep 600", { name: `train-${at}`, queue: "local/batch", project, priority: at % 4 });
  }
  for (let at = 0; at < 3; at += 1)
    await berth.submit("true", { name: `waits-${at}`, queue: "eu-west/gpu", project: "vision" });
  await berth.submit("true", { name: "held-back", queue: "local/held" });
  const good = await berth.submit("echo well", { name: "quick", queue: "local/urgent" });
  const bad = await berth.submit("echo no >&2; exit 3", { name: "broken", queue: "local/urgent" });
  await berth.reaches(good, "succeeded");
  await berth.reaches(bad, "failed");
}
