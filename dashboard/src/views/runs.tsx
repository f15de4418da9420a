// Runs: listed, or counted by what they have in common.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import type { ColumnDef, RowSelectionState, SortingState } from "@tanstack/react-table";
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Problem } from "~/api/problem";
import * as ask from "~/api/queries";
import type { Run } from "~/api/shapes";
import { useOwner } from "~/app/owner";
import { count } from "~/format/number";
import { ColumnMenu } from "~/parts/menu";
import { Page } from "~/parts/page";
import { Failure, Loading } from "~/parts/states";
import { DataTable, selection } from "~/parts/table";
import "~/style/runs.css";
import { BulkBar } from "./runs-bulk";
import { StatusChips } from "./runs-chips";
import { CHOICES, COLUMNS, shortOf, useHidden } from "./runs-columns";
import { GROUP_NAMES, RunGroupsTable } from "./runs-groups";
import { useRunList } from "./runs-list";
import { QueryField } from "./runs-query";
import { between } from "./runs-rows";
import { SavedViews } from "./runs-saved";
import { GROUPINGS, type RunsSearch, whichOf } from "./runs-search";

const route = getRouteApi("/runs");
const ROW = 34;

export function Runs() {
  const owner = useOwner();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/runs" });
  const { project, query, sort } = whichOf(owner, search);
  const { by } = search;
  const change = useCallback(
    (next: Partial<RunsSearch>) => void navigate({ search: (before) => ({ ...before, ...next }) }),
    [navigate],
  );
  const [hidden, setHidden] = useHidden();
  const [selected, setSelected] = useState<RowSelectionState>({});
  const [isAllMeant, setIsAllMeant] = useState(false);
  const { place, isScrolled, range, toTop } = useScroll();
  const projects = useQuery(ask.projects(owner));

  const isSelecting = isAllMeant || Object.values(selected).some(Boolean);
  const which = useMemo(() => ({ owner, project, query, sort }), [owner, project, query, sort]);
  const rowsRef = useRef<Run[]>([]);
  const inSight = rowsRef.current.slice(range.from, range.until).map((run) => run.uuid);
  const list = useRunList(which, isSelecting || isScrolled, inSight);
  const { rows } = list;
  rowsRef.current = rows;
  const clear = useCallback(() => {
    // As it was, where nothing is selected: that draws nothing anew.
    setSelected((before) => (Object.keys(before).length === 0 ? before : {}));
    setIsAllMeant(false);
  }, []);
  // Another list has other rows.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list is why
  useEffect(clear, [which]);

  const last = useRef<string | null>(null);
  const pick = useCallback((uuid: string, isShift: boolean) => {
    setIsAllMeant(false);
    setSelected((before) => {
      const isOn = !before[uuid];
      const from = last.current;
      last.current = uuid;
      const which = isShift && from ? between(rowsRef.current, from, uuid) : [uuid];
      const next = { ...before };
      for (const one of which) {
        if (isOn || isShift) next[one] = true;
        else delete next[one];
      }
      return next;
    });
  }, []);
  const columns = useMemo<ColumnDef<Run>[]>(() => [selecting(pick), ...COLUMNS], [pick]);
  const chosen = useMemo(() => rows.filter((run) => selected[run.uuid]), [rows, selected]);

  const press = (event: KeyboardEvent<HTMLElement>) => {
    const at = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || at.matches("input:not([type=checkbox]), select")) return;
    const index = at.closest<HTMLElement>("tr[data-index]")?.dataset.index;
    const run = index === undefined ? undefined : rows[Number(index)];
    if (event.key.toLowerCase() === "x" && run) {
      event.preventDefault();
      pick(run.uuid, event.shiftKey);
    } else if (event.key === "Escape" && isSelecting) {
      clear();
    }
  };

  const sorting: SortingState = [{ id: sort.replace(/^-/, ""), desc: sort.startsWith("-") }];
  const refused = list.head.error;
  // What the server says of the query stands at its field.
  const isOfQuery = refused instanceof Problem && refused.fields.some(({ field }) => field === "query");
  const rest = {
    commands: GROUPINGS.map((one) => ({
      name: `Count runs by ${GROUP_NAMES[one].toLowerCase()}`,
      run: () => change({ by: one }),
    })),
  };

  return (
    <Page title="Runs" fills>
      <div className="filters runs-filters">
        <QueryField
          owner={owner}
          query={query}
          error={isOfQuery ? refused : null}
          onQuery={(next) => change({ query: next || undefined })}
        />
        <select
          aria-label="Project"
          value={project ?? ""}
          onChange={(event) => change({ project: event.target.value || undefined })}
        >
          <option value="">All projects</option>
          {[...new Set([...(projects.data ?? []).map(({ name }) => name), ...(project ? [project] : [])])].map(
            (name) => (
              <option key={name}>{name}</option>
            ),
          )}
        </select>
        <select
          aria-label="Group by"
          value={by ?? ""}
          onChange={(event) => change({ by: GROUPINGS.find((one) => one === event.target.value) })}
        >
          <option value="">Not grouped</option>
          {GROUPINGS.map((one) => (
            <option key={one} value={one}>
              By {GROUP_NAMES[one].toLowerCase()}
            </option>
          ))}
        </select>
        <SavedViews search={search} />
        {!by && <ColumnMenu columns={CHOICES} hidden={hidden} onHidden={setHidden} />}
      </div>
      {!refused && (
        <StatusChips
          owner={owner}
          project={project}
          query={query}
          onQuery={(next) => change({ query: next || undefined })}
        />
      )}
      {by ? (
        <RunGroupsTable owner={owner} by={by} search={search} />
      ) : (
        <>
          <BulkBar
            owner={owner}
            project={project}
            query={query}
            selected={chosen}
            all={list.count}
            isAllMeant={isAllMeant}
            onAllMeant={setIsAllMeant}
            onClear={clear}
            {...rest}
          />
          {list.head.data === undefined ? (
            isOfQuery ? null : refused ? (
              <Failure error={refused} retry={() => void list.head.refetch()} />
            ) : (
              <Loading />
            )
          ) : (
            // biome-ignore lint/a11y/noStaticElementInteractions: keys of the table within
            <div
              ref={place}
              className={list.head.isPlaceholderData || refused ? "runs-table runs-old" : "runs-table"}
              onKeyDown={press}
            >
              <DataTable
                label="Runs"
                columns={columns}
                rows={rows}
                rowHeight={ROW}
                idOf={(run) => run.uuid}
                sorting={sorting}
                isSorted
                onSorting={([first]) => change({ sort: first ? `${first.desc ? "-" : ""}${first.id}` : undefined })}
                visible={Object.fromEntries(hidden.map((id) => [id, false]))}
                selected={selected}
                onSelected={setSelected}
                onEnd={list.more}
                empty={query || project ? "No run is like that." : "There is no run yet. Submit one: berth run -f FILE"}
              />
            </div>
          )}
          <p className="runs-foot faint number" aria-live="polite">
            <span>
              {count(rows.length)} of{" "}
              {list.count === null ? "…" : list.count >= 10_000 ? "10,000 or more" : count(list.count)} shown
              {list.isLoadingMore ? ", fetching more…" : ""}
            </span>
            {list.error !== null && (
              <button type="button" className="link bad" onClick={list.more}>
                More could not be fetched. Try again
              </button>
            )}
            {(isSelecting || isScrolled) && (
              <span className="runs-still">
                {isSelecting ? "Stands still while rows are selected." : "Stands still while you are further down."}{" "}
                {list.newer > 0 && (
                  <button
                    type="button"
                    className="button button-small"
                    onClick={() => {
                      list.catchUp();
                      toTop();
                    }}
                  >
                    {count(list.newer)} newer
                  </button>
                )}
              </span>
            )}
          </p>
        </>
      )}
    </Page>
  );
}

/** The column that selects: alone by a click, all between by Shift. */
function selecting(pick: (uuid: string, isShift: boolean) => void): ColumnDef<Run> {
  return {
    ...selection<Run>(shortOf),
    cell: ({ row }) => (
      <input
        type="checkbox"
        aria-label={`Select ${shortOf(row.original)}`}
        checked={row.getIsSelected()}
        onChange={(event) => pick(row.id, (event.nativeEvent as MouseEvent).shiftKey === true)}
      />
    ),
  };
}

/** How far the table within has scrolled, in steps, so that not every pixel draws the page anew. */
function useScroll() {
  const scrolled = useRef<HTMLElement | null>(null);
  const [range, setRange] = useState({ from: 0, until: 50 });
  const [isScrolled, setIsScrolled] = useState(false);
  const place = useCallback((element: HTMLElement | null) => {
    const scroller = element?.querySelector<HTMLElement>(".table-scroller") ?? null;
    scrolled.current = scroller;
    if (!scroller) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      setIsScrolled(scroller.scrollTop > ROW);
      clearTimeout(timer);
      timer = setTimeout(() => {
        const from = Math.floor(scroller.scrollTop / ROW / 10) * 10;
        const until = from + Math.ceil(scroller.clientHeight / ROW / 10) * 10 + 10;
        setRange((now) => (now.from === from && now.until === until ? now : { from, until }));
      }, 150);
    };
    scroller.addEventListener("scroll", look, { passive: true });
    return () => {
      clearTimeout(timer);
      scroller.removeEventListener("scroll", look);
      scrolled.current = null;
    };
  }, []);
  const toTop = () => scrolled.current?.scrollTo({ top: 0 });
  return { place, isScrolled, range, toTop };
}
