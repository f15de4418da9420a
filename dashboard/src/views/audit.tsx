// Who changed what, when and why.

import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useOwner } from "~/app/owner";
import { AuditList } from "~/parts/audit-list";
import { Page } from "~/parts/page";

const route = getRouteApi("/audit");

const FIELDS = [
  { name: "actor", label: "Who", hint: "ann" },
  { name: "action", label: "What", hint: "queue.pause" },
  { name: "object", label: "Object's UUID", hint: "of a queue, agent, run…" },
] as const;

export function AuditTrail() {
  const owner = useOwner();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/audit" });
  const [given, setGiven] = useState(search);
  useEffect(() => setGiven(search), [search]);
  return (
    <Page title="Audit trail" fills>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault();
          const next = Object.fromEntries(FIELDS.map(({ name }) => [name, given[name]?.trim() || undefined]));
          void navigate({ search: (before) => ({ ...before, ...next }) });
        }}
      >
        {FIELDS.map(({ name, label, hint }, at) => (
          <input
            key={name}
            type="search"
            className="search"
            aria-label={label}
            placeholder={`${label}: ${hint}`}
            value={given[name] ?? ""}
            onChange={(event) => setGiven({ ...given, [name]: event.target.value })}
            {...(at === 0 ? { "data-search": true } : {})}
          />
        ))}
        <button type="submit" className="button">
          Search
        </button>
      </form>
      <AuditList owner={owner} asked={{ actor: search.actor, action: search.action, object: search.object }} />
    </Page>
  );
}
