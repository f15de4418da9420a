// Choices that hold for all views: whose things, which time zone, which theme.

import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { DEFAULT_OWNER } from "~/api/calls";
import { zoneName } from "~/format/time";
import { Dialog } from "~/parts/dialog";
import { knownOwners, rememberOwner, useOwner } from "./owner";
import { type Theme, usePreferences } from "./preferences";

export function OwnerChoice() {
  const owner = useOwner();
  const navigate = useNavigate();
  const [isAsking, setIsAsking] = useState(false);
  const [name, setName] = useState("");
  const choose = (next: string) => {
    rememberOwner(next);
    void navigate({ to: "/", search: { owner: next === DEFAULT_OWNER ? undefined : next } });
  };
  return (
    <label className="side-choice">
      <span>Owner</span>
      <select value={owner} onChange={(event) => (event.target.value ? choose(event.target.value) : setIsAsking(true))}>
        {[...new Set([...knownOwners(), owner])].map((known) => (
          <option key={known}>{known}</option>
        ))}
        <option value="">Another…</option>
      </select>
      {isAsking && (
        <Dialog
          title="Another owner"
          onClose={() => setIsAsking(false)}
          footer={
            <button type="submit" form="owner-form" className="button button-main" disabled={!name.trim()}>
              Show
            </button>
          }
        >
          <form
            id="owner-form"
            className="form"
            onSubmit={(event) => {
              event.preventDefault();
              setIsAsking(false);
              choose(name.trim());
            }}
          >
            <div className="field">
              <label htmlFor="owner-name">Its name</label>
              <input
                id="owner-name"
                value={name}
                onChange={(event) => setName(event.target.value)}
                autoComplete="off"
              />
            </div>
          </form>
        </Dialog>
      )}
    </label>
  );
}

/** The zones that are offered: the browser's, UTC, and one for most hours of the day. */
const ZONES = [
  "local",
  "UTC",
  "America/Los_Angeles",
  "America/Denver",
  "America/Chicago",
  "America/New_York",
  "America/Sao_Paulo",
  "Europe/London",
  "Europe/Berlin",
  "Europe/Istanbul",
  "Asia/Dubai",
  "Asia/Kolkata",
  "Asia/Singapore",
  "Asia/Tokyo",
  "Australia/Sydney",
];

/** Milliseconds after which what no view waits for is done. */
const LATER = 500;

export function ZoneChoice() {
  const { zone, setZone } = usePreferences();
  // To name its own zone, the browser loads what it knows of all zones and languages: not while the first view is drawn.
  const [here, setHere] = useState<string>();
  useEffect(() => {
    const later = setTimeout(() => setHere(zoneName("local")), LATER);
    return () => clearTimeout(later);
  }, []);
  return (
    <label className="side-choice">
      <span>Times</span>
      <select value={zone} onChange={(event) => setZone(event.target.value)}>
        {ZONES.map((one) => (
          <option key={one} value={one}>
            {one !== "local" ? one : here ? `Here (${here})` : "Here"}
          </option>
        ))}
      </select>
    </label>
  );
}

export function ThemeChoice() {
  const { theme, setTheme } = usePreferences();
  return (
    <label className="side-choice">
      <span>Theme</span>
      <select value={theme} onChange={(event) => setTheme(event.target.value as Theme)}>
        <option value="system">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}
