// The views that the navigation, the palette and the shortcuts know, in their order.

export const PLACES = [
  { to: "/", name: "Overview", key: "o", group: "Now" },
  { to: "/queues", name: "Queues", key: "q", group: "Now" },
  { to: "/agents", name: "Agents", key: "a", group: "Now" },
  { to: "/runs", name: "Runs", key: "r", group: "Now" },
  { to: "/dead-letters", name: "Dead letters", key: "d", group: "Now" },
  { to: "/projects", name: "Projects", key: "p", group: "Manage" },
  { to: "/tokens", name: "Tokens", key: "t", group: "Manage" },
  { to: "/audit", name: "Audit", key: "u", group: "Manage" },
  { to: "/settings", name: "Settings", key: "s", group: "Manage" },
] as const;

export const GROUPS = ["Now", "Manage"] as const;
