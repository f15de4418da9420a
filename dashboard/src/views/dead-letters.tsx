// Dead letters of an organization, and one of them with its message as it was.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import * as act from "~/actions/dead-letters";
import * as ask from "~/api/queries";
import { useCommands } from "~/app/commands";
import { useOwner } from "~/app/owner";
import { useAction } from "~/parts/action";
import { Dialog } from "~/parts/dialog";
import { Letters } from "~/parts/letters";
import { Page } from "~/parts/page";
import { Answer, Note } from "~/parts/states";
import { Facts, Message, Moment, Snippet } from "~/parts/text";

const route = getRouteApi("/dead-letters");

export function DeadLetters() {
  const owner = useOwner();
  const { query = "", letter } = route.useSearch();
  const navigate = useNavigate({ from: "/dead-letters" });
  const open = useAction();
  const [text, setText] = useState(query);
  useEffect(() => setText(query), [query]);
  const change = (next: { query?: string; letter?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true });
  useCommands([
    { name: "Replay these dead letters", run: () => open(act.replayMany(owner, query)) },
    { name: "Drop these dead letters", run: () => open(act.dropMany(owner, query)) },
  ]);

  return (
    <Page title="Dead letters" fills>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault();
          change({ query: text.trim() || undefined });
        }}
      >
        <input
          type="search"
          className="search search-wide"
          data-search
          aria-label="Search dead letters"
          placeholder="reason:poison, queue:eu/gpu, last_at:>2026-01-01"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit" className="button">
          Search
        </button>
      </form>
      <Letters
        owner={owner}
        query={query}
        onQuery={(next) => change({ query: next || undefined })}
        onOpen={(uuid) => change({ letter: uuid })}
      />
      {letter && <One owner={owner} uuid={letter} onClose={() => change({ letter: undefined })} />}
    </Page>
  );
}

function One({ owner, uuid, onClose }: { owner: string; uuid: string; onClose: () => void }) {
  const letter = useQuery(ask.letter(owner, uuid));
  return (
    <Dialog title="Dead letter" onClose={onClose} wide>
      <Answer of={letter}>
        {(data) => (
          <div className="form">
            <Facts
              facts={[
                ["Reason", data.reason.replaceAll("_", " ")],
                ["Times", data.times],
                ["First", <Moment key="first" at={data.first_at} />],
                ["Last", <Moment key="last" at={data.last_at} />],
                ["Agent / queue", [data.agent, data.queue].filter(Boolean).join(" / ") || "none"],
                ["Run", data.run ? <code key="run">{data.run}</code> : "none"],
              ]}
            />
            {data.message && (
              <p>
                <Message text={data.message} />
              </p>
            )}
            {data.is_cut && <Note tone="warn">Only the beginning of the message was kept, since it is too long.</Note>}
            {data.raw && <Snippet text={readable(data.raw)} label="Message as it was" />}
            {Boolean(data.envelope) && <Snippet text={JSON.stringify(data.envelope, null, 2)} label="Envelope" />}
          </div>
        )}
      </Answer>
    </Dialog>
  );
}

/** Messages are kept in base64, since they may be anything; what is text is shown as such. */
function readable(raw: string): string {
  try {
    const bytes = Uint8Array.from(atob(raw), (letter) => letter.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return raw;
  }
}
