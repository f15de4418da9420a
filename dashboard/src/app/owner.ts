// Whose queues and runs are looked at: in the address, so that a link means the same to everybody.

import { useSearch } from "@tanstack/react-router";
import { DEFAULT_OWNER } from "~/api/calls";

export function useOwner(): string {
  const { owner } = useSearch({ from: "__root__" });
  return owner ?? DEFAULT_OWNER;
}

const KNOWN = "berth.owners";

/** Owners that were looked at in this browser: the API has no list of them. */
export function knownOwners(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KNOWN) ?? "[]");
    const names = Array.isArray(kept) ? kept.filter((name) => typeof name === "string") : [];
    return [...new Set([DEFAULT_OWNER, ...names])];
  } catch {
    return [DEFAULT_OWNER];
  }
}

export function rememberOwner(owner: string): void {
  localStorage.setItem(KNOWN, JSON.stringify([...new Set([...knownOwners(), owner])].slice(-20)));
}
