// What the view that is open can do, for the palette: each view says it, and takes it back when it goes.

import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef } from "react";

export interface Command {
  name: string;
  run: () => void;
}

interface Registry {
  current: () => Command[];
  set: (commands: Command[]) => void;
}

const Commands = createContext<Registry>({ current: () => [], set: () => {} });

export function CommandsOf({ children }: { children: ReactNode }) {
  const commands = useRef<Command[]>([]);
  const registry = useMemo<Registry>(
    () => ({
      current: () => commands.current,
      set: (next) => {
        commands.current = next;
      },
    }),
    [],
  );
  return <Commands value={registry}>{children}</Commands>;
}

export function useCommandList(): () => Command[] {
  return useContext(Commands).current;
}

/** Offers what a view can do. */
export function useCommands(commands: Command[]): void {
  const { set } = useContext(Commands);
  useEffect(() => {
    set(commands);
    return () => set([]);
  });
}
