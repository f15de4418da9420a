// A menu of what can be done, behind one button.

import * as Menu from "@radix-ui/react-dropdown-menu";
import type { ReactNode } from "react";

export interface Item {
  label: string;
  onSelect: () => void;
  isDangerous?: boolean;
  isDisabled?: boolean;
}

export function ActionMenu({ label, items, children }: { label: string; items: Item[]; children?: ReactNode }) {
  return (
    // Not modal: to lock the page's scrolling, that one writes a style element, which the page's policy forbids.
    <Menu.Root modal={false}>
      <Menu.Trigger
        className={children ? "button" : "button button-quiet button-icon"}
        aria-label={children ? undefined : label}
      >
        {children ?? "⋯"}
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content className="menu" align="end" sideOffset={4} aria-label={label}>
          {items.map((item) => (
            <Menu.Item
              key={item.label}
              className={item.isDangerous ? "menu-item menu-danger" : "menu-item"}
              disabled={item.isDisabled}
              // The menu gives the focus back first, so that the dialog can do so, too.
              onSelect={() => setTimeout(item.onSelect, 0)}
            >
              {item.label}
            </Menu.Item>
          ))}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}

/** Which columns of a table are shown. */
export function ColumnMenu({
  columns,
  hidden,
  onHidden,
}: {
  columns: { id: string; name: string }[];
  hidden: string[];
  onHidden: (hidden: string[]) => void;
}) {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="button">Columns</Menu.Trigger>
      <Menu.Portal>
        <Menu.Content className="menu" align="end" sideOffset={4} aria-label="Columns">
          {columns.map(({ id, name }) => (
            <Menu.CheckboxItem
              key={id}
              className="menu-item"
              checked={!hidden.includes(id)}
              onCheckedChange={(isShown) => onHidden(isShown ? hidden.filter((one) => one !== id) : [...hidden, id])}
              onSelect={(event) => event.preventDefault()}
            >
              <span className="menu-check" aria-hidden="true">
                {hidden.includes(id) ? "" : "✓"}
              </span>
              {name}
            </Menu.CheckboxItem>
          ))}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}
