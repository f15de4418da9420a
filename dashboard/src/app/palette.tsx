// The palette: go to any view, queue, agent, project or run, or do what the open view can do. Fetched when first opened.

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { useLayoutEffect, useRef, useState } from "react";
import * as ask from "~/api/queries";
import { useCommandList } from "./commands";
import { useOwner } from "./owner";
import { PLACES } from "./places";
import { usePreferences } from "./preferences";

/** So many of one kind are offered at once: the list is drawn whole. */
const MOST = 50;

export default function Palette({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const owner = useOwner();
  const navigate = useNavigate();
  const { setTheme } = usePreferences();
  const [text, setText] = useState("");
  const commands = useCommandList()();
  const queues = useQuery(ask.queues(owner)).data ?? [];
  const agents = useQuery(ask.agents(owner)).data ?? [];
  const projects = useQuery(ask.projects(owner)).data ?? [];
  const dialog = useRef<HTMLDialogElement>(null);
  const input = useRef<HTMLInputElement>(null);
  // Closed before it is taken away, so that the browser gives the focus back.
  useLayoutEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
    input.current?.focus();
    return () => element?.close();
  }, []);
  const wanted = text.trim().toLowerCase();
  const fits = (name: string) => wanted.split(/\s+/).every((part) => name.toLowerCase().includes(part));
  const uuid = wanted.replaceAll("-", "");
  const then = (act: () => unknown) => () => {
    onClose();
    // The dialog gives the focus back first.
    setTimeout(act, 0);
  };

  return (
    <dialog
      ref={dialog}
      className="dialog palette"
      aria-label="Go to, or do"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === event.currentTarget && onClose()}
      onKeyDown={(event) => event.key !== "Escape" && event.stopPropagation()}
    >
      <Command label="Go to, or do" shouldFilter={false} loop>
        <Command.Input
          ref={input}
          value={text}
          onValueChange={setText}
          placeholder="A view, queue, agent, project, run, or what to do"
        />
        <Command.List label="What there is">
          <Command.Empty>Nothing is called so.</Command.Empty>
          {/^[0-9a-f]{32}$/.test(uuid) && (
            <Command.Item
              value={`run ${uuid}`}
              onSelect={then(() => navigate({ to: "/runs/$uuid", params: { uuid } }))}
            >
              Run <code>{uuid}</code>
            </Command.Item>
          )}
          <Group
            name="Do"
            items={[
              ...commands.map(({ name, run }) => ({ name, act: run })),
              { name: "Theme: light", act: () => setTheme("light") },
              { name: "Theme: dark", act: () => setTheme("dark") },
              { name: "Theme: as the system has it", act: () => setTheme("system") },
              { name: "Keys", act: onHelp },
            ].filter(({ name }) => fits(name))}
            then={then}
          />
          <Group
            name="Views"
            items={PLACES.filter(({ name }) => fits(name)).map(({ name, to }) => ({
              name,
              act: () => navigate({ to }),
            }))}
            then={then}
          />
          <Group
            name="Queues"
            items={queues
              .filter(({ agent, name }) => fits(`${agent}/${name}`))
              .slice(0, MOST)
              .map(({ agent, name }) => ({
                name: `${agent}/${name}`,
                act: () => navigate({ to: "/queues/$agent/$queue", params: { agent, queue: name } }),
              }))}
            then={then}
          />
          <Group
            name="Agents"
            items={agents
              .filter(({ name }) => fits(name))
              .slice(0, MOST)
              .map(({ name }) => ({ name, act: () => navigate({ to: "/agents/$agent", params: { agent: name } }) }))}
            then={then}
          />
          <Group
            name="Projects"
            items={projects
              .filter(({ name }) => fits(name))
              .slice(0, MOST)
              .map(({ name }) => ({
                name,
                act: () => navigate({ to: "/projects/$project", params: { project: name } }),
              }))}
            then={then}
          />
        </Command.List>
      </Command>
    </dialog>
  );
}

interface Choice {
  name: string;
  act: () => unknown;
}

function Group({ name, items, then }: { name: string; items: Choice[]; then: (act: () => unknown) => () => void }) {
  if (items.length === 0) return null;
  return (
    <Command.Group heading={name}>
      {items.map((item) => (
        <Command.Item key={item.name} value={`${name} ${item.name}`} onSelect={then(item.act)}>
          {item.name}
        </Command.Item>
      ))}
    </Command.Group>
  );
}
