// What can be done to projects, tokens and the organization.

import { call } from "~/api/call";
import type { Organization, Project, Token } from "~/api/shapes";
import { berth, type Options } from "~/format/shell";
import type { Action, Field, Values } from "~/parts/action";
import { limitBody, limitFields, limitOptions, readNumber } from "./limits";
import { changedOnly } from "./queue";

const line = (owner: string, words: string[], options: Options = {}) =>
  berth(words, options, { owner, host: location.origin });

const PLACES = ["queues", "agents", "namespaces"] as const;
const listOf = (text: string | undefined) =>
  (text ?? "")
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");

function projectFields(project?: Project): Field[] {
  return [
    { name: "description", label: "What it is for", initial: project?.description ?? "" },
    {
      name: "default_queue",
      label: "Queue of runs that name none",
      hint: "AGENT/QUEUE; empty: the organization's",
      initial: project?.default_queue ?? "",
    },
    {
      name: "queues",
      label: "Only these queues",
      hint: "By commas; empty: all",
      initial: (project?.queues ?? []).join(", "),
    },
    {
      name: "agents",
      label: "Only these agents",
      hint: "By commas; empty: all",
      initial: (project?.agents ?? []).join(", "),
    },
    {
      name: "namespaces",
      label: "Only these namespaces",
      hint: "By commas; empty: all",
      initial: (project?.namespaces ?? []).join(", "),
    },
    ...limitFields(project),
  ];
}

function projectBody(values: Values): Record<string, unknown> {
  return {
    description: values.description || null,
    default_queue: values.default_queue?.trim() || null,
    ...Object.fromEntries(PLACES.map((name) => [name, listOf(values[name])])),
    ...limitBody(values),
  };
}

function projectOptions(values: Values): Options {
  return {
    description: values.description,
    "default-queue": values.default_queue?.trim() || "none",
    ...Object.fromEntries(PLACES.map((name) => [name, listOf(values[name]).join(",") || "none"])),
    ...limitOptions(values),
  };
}

const OPTION_OF: Record<string, string> = { quotas: "quota", default_queue: "default-queue" };

/** Of a body or of options, what the changed fields are. */
function only(from: Record<string, unknown>, names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)));
}

const optionsOf = (names: string[]) => names.map((name) => OPTION_OF[name] ?? name);

export function createProject(owner: string, onDone: (project: Project) => unknown): Action {
  const fields: Field[] = [{ name: "name", label: "Name", required: true }, ...projectFields()];
  return {
    title: "Make a project",
    explains: "Runs belong to projects, which have limits and places of their own.",
    verb: "Make it",
    fields,
    takesReason: true,
    call: (values) =>
      call("POST", "/api/v1/{owner}/projects/create", {
        in: { owner },
        body: { name: values.name, ...only(projectBody(values), Object.keys(changedOnly(fields, values))) },
      }),
    cli: (values) =>
      line(
        owner,
        ["projects", "create", values.name ?? ""],
        only(projectOptions(values), optionsOf(Object.keys(changedOnly(fields, values)))) as Options,
      ),
    onDone,
  };
}

export function editProject(owner: string, project: Project): Action {
  const fields = projectFields(project);
  return {
    title: `Change ${project.name}`,
    explains: "What runs goes on. New limits and places hold for what waits and for what comes.",
    verb: "Change",
    fields,
    takesReason: true,
    call: (values) =>
      call("PATCH", "/api/v1/{owner}/{project}", {
        in: { owner, project: project.name },
        body: only(projectBody(values), Object.keys(changedOnly(fields, values))),
      }),
    cli: (values) =>
      line(
        owner,
        ["projects", "update", project.name],
        only(projectOptions(values), optionsOf(Object.keys(changedOnly(fields, values)))) as Options,
      ),
  };
}

export function deleteProject(owner: string, project: Project, onDone: () => unknown): Action {
  return {
    title: `Delete ${project.name}`,
    explains: "The project and all its runs are gone. It must have none that is under way. This can't be undone.",
    verb: "Delete it",
    isDangerous: true,
    takesReason: true,
    typed: project.name,
    call: () => call("DELETE", "/api/v1/{owner}/{project}", { in: { owner, project: project.name } }),
    cli: () => line(owner, ["projects", "delete", project.name]),
    onDone,
  };
}

export function createToken(show: (token: Token) => React.ReactNode): Action {
  return {
    title: "Make a token",
    explains: "Its key is shown once. Kept of it is a hash.",
    verb: "Make it",
    fields: [
      { name: "name", label: "Name", hint: "Whose it is, or what for", required: true },
      {
        name: "scope",
        label: "What it may do",
        kind: "select",
        initial: "write",
        choices: [
          { value: "read", label: "read: look at everything but tokens" },
          { value: "write", label: "write: submit and change runs and projects, too" },
          { value: "admin", label: "admin: agents, queues and tokens, too" },
        ],
      },
      { name: "days", label: "Days until it ends", hint: "1 to 3650; empty: it does not", initial: "90" },
    ],
    takesReason: true,
    call: ({ name, scope, days }) =>
      call("POST", "/api/v1/users/tokens", {
        body: { name, scopes: [scope], ...(days?.trim() ? { expiration: readNumber(days) } : {}) },
      }),
    cli: ({ name, scope, days }) =>
      line("default", ["tokens", "create", name ?? ""], { scopes: scope, "expires-days": days }),
    result: show,
  };
}

export function revokeToken(token: Token): Action {
  return {
    title: `Revoke ${token.name}`,
    explains: "Whoever uses this token is refused from now on. This can't be undone.",
    verb: "Revoke it",
    isDangerous: true,
    takesReason: true,
    typed: token.name,
    call: () => call("DELETE", "/api/v1/users/tokens/{uuid}", { in: { uuid: token.uuid } }),
    cli: () => line("default", ["tokens", "revoke", token.uuid]),
  };
}

export function editOrganization(owner: string, organization: Organization): Action {
  const fields: Field[] = [
    {
      name: "default_queue",
      label: "Queue of runs of which nothing else is said",
      hint: "AGENT/QUEUE; empty: the default agent's",
      initial: organization.default_queue ?? "",
    },
    ...limitFields(organization),
  ];
  const body = (values: Values) => ({ default_queue: values.default_queue?.trim() || null, ...limitBody(values) });
  const options = (values: Values) => ({
    "default-queue": values.default_queue?.trim() || "none",
    ...limitOptions(values),
  });
  return {
    title: `Change ${owner}`,
    explains: "Limits of all runs of the organization, and where those go that name no queue.",
    verb: "Change",
    fields,
    takesReason: true,
    call: (values) =>
      call("PATCH", "/api/v1/orgs/{owner}/settings", {
        in: { owner },
        body: only(body(values), Object.keys(changedOnly(fields, values))),
      }),
    cli: (values) =>
      line(
        owner,
        ["organization", "update"],
        only(options(values), optionsOf(Object.keys(changedOnly(fields, values)))) as Options,
      ),
  };
}
