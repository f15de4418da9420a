// Theme and time zone: kept in the browser, given to all views.

import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import type { Zone } from "~/format/time";

export type Theme = "system" | "light" | "dark";

interface Preferences {
  theme: Theme;
  zone: Zone;
  setTheme: (theme: Theme) => void;
  setZone: (zone: Zone) => void;
}

const Given = createContext<Preferences | null>(null);

export function usePreferences(): Preferences {
  const given = useContext(Given);
  if (!given) throw new Error("a view stands outside of the page");
  return given;
}

function useKept<T extends string>(key: string, otherwise: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => (localStorage.getItem(key) as T | null) ?? otherwise);
  const keep = (next: T) => {
    localStorage.setItem(key, next);
    setValue(next);
  };
  return [value, keep];
}

export function PreferencesOf({ children }: { children: ReactNode }) {
  const [theme, setTheme] = useKept<Theme>("berth.theme", "system");
  const [zone, setZone] = useKept<Zone>("berth.zone", "local");
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
  // The setters only wrap those of the state.
  // biome-ignore lint/correctness/useExhaustiveDependencies: they do the same in every render
  const value = useMemo(() => ({ theme, zone, setTheme, setZone }), [theme, zone]);
  return <Given value={value}>{children}</Given>;
}
