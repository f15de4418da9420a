// Paths that newer servers answer and that the generated types don't have yet. A server that doesn't know one says 404,
// and the page then says that it is not available.

interface Get<Path> {
  parameters: { path: Path };
  get: object;
}

interface InOwner {
  owner: string;
}

interface InQueue extends InOwner {
  agent: string;
  queue: string;
}

export interface Coming {
  "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/history": Get<InQueue>;
  "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/head": Get<InQueue>;
  "/api/v1/orgs/{owner}/history": Get<InOwner>;
  "/api/v1/orgs/{owner}/overview": Get<InOwner>;
  "/api/v1/orgs/{owner}/warnings": Get<InOwner>;
  "/api/v1/orgs/{owner}/runs/groups": Get<InOwner>;
}
