// What stands around every view: navigation, whose things these are, how fresh they are, the palette, and the sign-in.

import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState, useSyncExternalStore } from "react";
import * as ask from "~/api/queries";
import logo from "~/berth.svg";
import { Live } from "~/live/live";
import { Actions } from "~/parts/action";
import { Answer, Failure, Loading } from "~/parts/states";
import { OwnerChoice, ThemeChoice, ZoneChoice } from "./choices";
import { CommandsOf } from "./commands";
import { Fresh } from "./fresh";
import { useOwner } from "./owner";
import { GROUPS, PLACES } from "./places";
import { session } from "./session";
import { Help, useShortcuts } from "./shortcuts";
import { SignIn } from "./sign-in";

const Palette = lazy(() => import("./palette"));

export function Shell() {
  useSyncExternalStore(session.subscribe, session.snapshot);
  const installation = useQuery(ask.installation());
  if (installation.data?.dist === "ee" && (!session.hasToken || session.isRefused)) {
    return <SignIn wasRefused={session.isRefused} />;
  }
  return (
    <Answer
      of={installation}
      placeholder={
        <main className="main">
          {installation.error ? (
            <Failure error={installation.error} retry={() => void installation.refetch()} />
          ) : (
            <Loading />
          )}
        </main>
      }
    >
      {({ dist, berth }) => <Frame isOpen={dist === "ce"} release={berth} />}
    </Answer>
  );
}

function Frame({ isOpen, release }: { isOpen: boolean; release: string }) {
  const owner = useOwner();
  const [dialog, setDialog] = useState<"palette" | "help" | null>(null);
  const [isMenuOpen, setIsMenuOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another view closes the menu
  useEffect(() => setIsMenuOpen(false), [path]);
  useShortcuts({ palette: () => setDialog("palette"), help: () => setDialog("help") });

  return (
    <Live owner={owner}>
      <CommandsOf>
        <Actions>
          <a className="skip" href="#main">
            Skip to the content
          </a>
          <div className={isMenuOpen ? "shell shell-menu" : "shell"}>
            <header className="top">
              <button
                type="button"
                className="button button-quiet button-icon menu-button"
                aria-expanded={isMenuOpen}
                aria-controls="navigation"
                aria-label="Navigation"
                onClick={() => setIsMenuOpen((open) => !open)}
              >
                ☰
              </button>
              <Link to="/" className="brand">
                <img src={logo} alt="" width="20" height="20" />
                Berth
              </Link>
              <button
                type="button"
                className="search-button"
                onClick={() => setDialog("palette")}
                aria-keyshortcuts="Control+K Meta+K"
              >
                <span className="search-text">Go to, or do…</span>
                <kbd>Ctrl K</kbd>
              </button>
              <Fresh />
            </header>
            <nav id="navigation" className="side" aria-label="Views">
              {GROUPS.map((group) => (
                <div key={group} className="side-group">
                  <div className="side-title">{group}</div>
                  <ul>
                    {PLACES.filter((place) => place.group === group).map(({ to, name }) => (
                      <li key={to}>
                        <Link
                          to={to}
                          className="side-link"
                          activeProps={{ className: "side-link side-here" }}
                          activeOptions={{ exact: to === "/", includeSearch: false }}
                        >
                          {name}
                        </Link>
                      </li>
                    ))}
                  </ul>
                </div>
              ))}
              <div className="side-foot">
                <OwnerChoice />
                <ZoneChoice />
                <ThemeChoice />
                <div className="side-row">
                  <span className="faint number">{release}</span>
                  <button type="button" className="button button-quiet button-small" onClick={() => setDialog("help")}>
                    Keys <kbd>?</kbd>
                  </button>
                  {!isOpen && (
                    <button
                      type="button"
                      className="button button-quiet button-small"
                      onClick={() => session.signOut()}
                    >
                      Sign out
                    </button>
                  )}
                </div>
              </div>
            </nav>
            <main id="main" className="main" tabIndex={-1}>
              <Suspense fallback={<Loading />}>
                <Outlet />
              </Suspense>
            </main>
          </div>
          {dialog === "help" && <Help onClose={() => setDialog(null)} />}
          {dialog === "palette" && (
            <Suspense fallback={null}>
              <Palette onClose={() => setDialog(null)} onHelp={() => setDialog("help")} />
            </Suspense>
          )}
        </Actions>
      </CommandsOf>
    </Live>
  );
}
