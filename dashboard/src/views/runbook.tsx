// A runbook, as the book has it: what a warning means and what to do. The texts are part of the page, so that they are there
// when nothing else is.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import type { MouseEvent } from "react";
import { Page } from "~/parts/page";
import { Answer, Note } from "~/parts/states";

const BOOK = import.meta.glob<string>("../../../docs/runbooks/*.md", { import: "default" });
/** The page that lists the others. */
const CONTENTS = "README";

/** The text of a page without its title; null if there is no such page. */
async function read(name: string): Promise<string | null> {
  const html = await BOOK[`../../../docs/runbooks/${name}.md`]?.();
  return html?.replace(/^<h1>.*?<\/h1>/, "") ?? null;
}

export function Runbook() {
  const { name = CONTENTS } = useParams({ strict: false });
  const navigate = useNavigate();
  const text = useQuery({
    queryKey: ["runbook", name],
    queryFn: () => read(name),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const isContents = name === CONTENTS;
  // A click on a neighbour loads nothing anew.
  const follow = (event: MouseEvent<HTMLElement>) => {
    const path = event.target instanceof HTMLAnchorElement ? event.target.getAttribute("href") : null;
    if (!path?.startsWith("/") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void navigate({ to: path });
  };
  return (
    <Page title={isContents ? "Runbooks" : name} kicker={isContents ? undefined : <Link to="/runbooks">Runbooks</Link>}>
      <Answer of={text}>
        {(html) =>
          html === null ? (
            <Note>No runbook has that name.</Note>
          ) : (
            // biome-ignore lint/a11y/useKeyWithClickEvents: it follows links, which have keys of their own
            <article
              className="panel book"
              onClick={follow}
              // biome-ignore lint/security/noDangerouslySetInnerHtml: a text of ours, made when the page was built
              dangerouslySetInnerHTML={{ __html: html }}
            />
          )
        }
      </Answer>
    </Page>
  );
}
