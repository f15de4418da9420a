// Tabs whose choice is in the address.

import * as Tabs from "@radix-ui/react-tabs";
import type { ReactNode } from "react";

export interface Tab {
  id: string;
  name: ReactNode;
  content: ReactNode;
}

export function TabSet({
  label,
  tabs,
  chosen,
  onChoose,
}: {
  label: string;
  tabs: Tab[];
  chosen: string;
  onChoose: (id: string) => void;
}) {
  return (
    <Tabs.Root className="tabs" value={chosen} onValueChange={onChoose} activationMode="manual">
      <Tabs.List className="tab-list" aria-label={label}>
        {tabs.map((tab) => (
          <Tabs.Trigger key={tab.id} value={tab.id} className="tab">
            {tab.name}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {tabs.map((tab) => (
        <Tabs.Content key={tab.id} value={tab.id} className="tab-content">
          {tab.content}
        </Tabs.Content>
      ))}
    </Tabs.Root>
  );
}
