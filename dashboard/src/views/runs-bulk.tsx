// What can be done to the runs that are selected, or to all that the query names.

import { useQuery } from "@tanstack/react-query";
import * as act from "~/actions/runs";
import * as ask from "~/api/queries";
import type { Run } from "~/api/shapes";
import { useCommands } from "~/app/commands";
import { count, plural } from "~/format/number";
import { type Action, useAction } from "~/parts/action";
import { ActionMenu } from "~/parts/menu";

export interface BulkProps {
  owner: string;
  project?: string;
  query: string;
  selected: Run[];
  /** How many the query names, as far as they were counted. */
  all: number | null;
  isAllMeant: boolean;
  onAllMeant: (isMeant: boolean) => void;
  onClear: () => void;
  /** What else the view can do, for the palette. */
  commands: { name: string; run: () => void }[];
}

export function BulkBar(given: BulkProps) {
  const { owner, project, query, selected, all, isAllMeant, onAllMeant, onClear } = given;
  const open = useAction();
  const isNothing = selected.length === 0 && !isAllMeant;
  const queues = useQuery({ ...ask.queues(owner), enabled: !isNothing });
  const many: act.Many = isAllMeant ? { owner, project, query } : { owner, project, runs: selected };
  const doneAll = onClear;
  const places = queues.data ?? [];
  const approvable = isAllMeant ? 0 : selected.filter((run) => run.pending !== null).length;
  const isTooMany = !isAllMeant && selected.length > act.MOST;
  const does: { label: string; action: () => Action; isDangerous?: boolean; isOff?: boolean }[] = [
    { label: "Stop", action: () => act.stopMany(many, doneAll), isDangerous: true },
    { label: "Restart", action: () => act.restartMany(many, doneAll) },
    { label: "Resume", action: () => act.resumeMany(many, doneAll) },
    { label: "Move to a queue", action: () => act.moveMany(many, places, doneAll), isOff: places.length === 0 },
    { label: "Change priority", action: () => act.reprioritizeMany(many, doneAll) },
    // The API takes these by name only.
    { label: "Approve", action: () => act.approveMany(owner, selected, doneAll), isOff: approvable === 0 },
    {
      label: "Delete",
      action: () => act.deleteMany(owner, selected, doneAll),
      isDangerous: true,
      isOff: isAllMeant,
    },
  ];
  useCommands([
    ...given.commands,
    ...(isNothing || isTooMany
      ? []
      : does
          .filter(({ isOff }) => !isOff)
          .map(({ label, action }) => ({ name: `${label}: the selected runs`, run: () => open(action()) }))),
  ]);
  if (isNothing) return null;
  const [stop, restart, ...rest] = does;
  return (
    <section className="bulk" aria-label="Selected runs">
      <strong className="number" aria-live="polite">
        {isAllMeant
          ? `All ${all === null ? "" : count(all)} runs that match`
          : `${plural(selected.length, "run")} selected`}
      </strong>
      {!isAllMeant && all !== null && all > selected.length && (
        <button type="button" className="link" onClick={() => onAllMeant(true)}>
          Select all {count(all)} that match
        </button>
      )}
      {isTooMany ? (
        <span className="warn">At most {count(act.MOST)} at once; select all that match instead.</span>
      ) : (
        <span className="bulk-actions">
          {[stop, restart].map(
            (one) =>
              one && (
                <button
                  key={one.label}
                  type="button"
                  className={one.isDangerous ? "button button-danger" : "button"}
                  onClick={() => open(one.action())}
                >
                  {one.label}
                </button>
              ),
          )}
          <ActionMenu
            label="More for the selected runs"
            items={rest.map(({ label, action, isDangerous, isOff }) => ({
              label,
              isDangerous,
              isDisabled: isOff,
              onSelect: () => open(action()),
            }))}
          >
            More ▾
          </ActionMenu>
        </span>
      )}
      <button type="button" className="button button-quiet" onClick={onClear}>
        Clear
      </button>
    </section>
  );
}
