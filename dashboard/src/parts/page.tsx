// The frame of a view: its title, what can be done, and its parts.

import { type ReactNode, useEffect } from "react";

export function Page({
  title,
  kicker,
  actions,
  children,
  fills = false,
}: {
  title: string;
  kicker?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** The view is as high as the window, and a table in it scrolls. */
  fills?: boolean;
}) {
  useEffect(() => {
    document.title = `${title} · Berth`;
  }, [title]);
  return (
    <div className={fills ? "page page-fills" : "page"}>
      <header className="page-head">
        <div className="page-title">
          {kicker && <div className="kicker">{kicker}</div>}
          <h1>{title}</h1>
        </div>
        {actions && <div className="actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export function Section({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className="section">
      <div className="section-head">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}
