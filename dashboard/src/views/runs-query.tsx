// The field for a query: what could come next is suggested, and what the server says of it stands below.

import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Problem, wordsOf } from "~/api/problem";
import * as ask from "~/api/queries";
import * as askRuns from "~/api/run-queries";
import { type Known, type Suggestion, suggest, take, tidy } from "./runs-suggest";

/** Suggestions that are shown at once. */
const MOST = 12;

function useKnown(owner: string, isOpen: boolean): Known {
  const queues = useQuery({ ...ask.queues(owner), enabled: isOpen });
  const users = useQuery({ ...askRuns.groups({ owner, query: "" }, "user"), enabled: isOpen, meta: {} });
  const kinds = useQuery({ ...askRuns.groups({ owner, query: "" }, "kind"), enabled: isOpen, meta: {} });
  return useMemo(() => {
    const names = (data: askRuns.RunGroups | undefined) => (data?.results ?? []).flatMap(({ key }) => key ?? []);
    const all = queues.data ?? [];
    return {
      queues: all.map(({ agent, name }) => `${agent}/${name}`),
      agents: [...new Set(all.map(({ agent }) => agent))],
      users: names(users.data),
      kinds: names(kinds.data),
      now: Date.now(),
    };
  }, [queues.data, users.data, kinds.data]);
}

export function QueryField({
  owner,
  query,
  error,
  onQuery,
}: {
  owner: string;
  query: string;
  /** What the server said of the query that is asked. */
  error: unknown;
  onQuery: (query: string) => void;
}) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(query);
  const [caret, setCaret] = useState(query.length);
  const [isOpen, setIsOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  // Where the caret goes with the text that was taken: before another key is pressed, however fast somebody types.
  const caretNext = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (caretNext.current === null) return;
    field.current?.setSelectionRange(caretNext.current, caretNext.current);
    caretNext.current = null;
  });
  const known = useKnown(owner, isOpen);
  useEffect(() => setText(query), [query]);
  const found = useMemo(() => suggest(text, caret, known), [text, caret, known]);
  const items = isOpen ? found.items.slice(0, MOST) : [];
  const at = Math.min(chosen, items.length - 1);

  const apply = (next: string) => {
    const clean = tidy(next);
    setText(clean);
    setIsOpen(false);
    setChosen(-1);
    if (clean !== query) onQuery(clean);
  };
  const accept = (item: Suggestion) => {
    const next = take(text, found, item);
    setText(next.query);
    setCaret(next.caret);
    setChosen(-1);
    // A field wants its value next; a value is whole.
    if (item.text.endsWith(":")) {
      setIsOpen(true);
      caretNext.current = next.caret;
    } else {
      apply(next.query);
    }
  };
  const press = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) setIsOpen(true);
      else if (items.length > 0) {
        const step = event.key === "ArrowDown" ? 1 : -1;
        setChosen((at + step + items.length + (at < 0 && step < 0 ? 1 : 0)) % items.length);
      }
    } else if (event.key === "Enter") {
      event.preventDefault();
      const item = items[at];
      if (item) accept(item);
      else apply(text);
    } else if (event.key === "Tab" && items[at]) {
      event.preventDefault();
      accept(items[at]);
    } else if (event.key === "Escape") {
      if (isOpen) setIsOpen(false);
      else apply("");
    }
  };
  const problem = error
    ? error instanceof Problem
      ? (error.fields.find(({ field: name }) => name === "query")?.message ?? wordsOf(error))
      : wordsOf(error)
    : null;

  return (
    <div className="query">
      <input
        ref={field}
        type="search"
        className="query-input"
        data-search
        role="combobox"
        aria-label="Search runs"
        aria-expanded={items.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? `${id}-problem` : undefined}
        placeholder="status:failed, queue:local/gpu, name:%train%"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setCaret(event.target.selectionStart ?? event.target.value.length);
          setIsOpen(true);
          setChosen(-1);
          if (event.target.value === "") apply("");
        }}
        onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
        onFocus={() => setIsOpen(true)}
        onBlur={() => {
          setIsOpen(false);
          if (tidy(text) !== query) apply(text);
        }}
        onKeyDown={press}
      />
      {items.length > 0 && (
        <div id={`${id}-list`} className="query-list" aria-label="Suggestions" role="listbox">
          {items.map((item, index) => (
            // The field keeps the focus, and its keys choose.
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the keys
            // biome-ignore lint/a11y/useFocusableInteractive: named by aria-activedescendant
            <div
              key={item.text}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === at}
              className={index === at ? "query-item query-chosen" : "query-item"}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => accept(item)}
            >
              <code>{item.text}</code>
              <span className="faint">{item.says}</span>
            </div>
          ))}
        </div>
      )}
      {problem && (
        <p id={`${id}-problem`} className="bad query-problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
