// One table for all lists: sorted, selected, with columns to choose, and with only the rows drawn that are seen.

import {
  type Column,
  type ColumnDef,
  type ExpandedState,
  flexRender,
  getCoreRowModel,
  getExpandedRowModel,
  getSortedRowModel,
  type OnChangeFn,
  type Row,
  type RowData,
  type RowSelectionState,
  type SortingState,
  useReactTable,
  type VisibilityState,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, type ReactNode, useCallback, useRef, useState, useSyncExternalStore } from "react";

declare module "@tanstack/react-table" {
  interface ColumnMeta<TData extends RowData, TValue> {
    /** Numbers stand to the right, so that their digits are below each other. */
    align?: "right";
    /** The column that takes what room is left. */
    grows?: boolean;
    /** What the column is called where its head is no text. */
    name?: string;
    title?: string;
    // The interface must have the parameters of the one that it adds to.
    _?: [TData, TValue];
  }
}

export interface TableProps<T> {
  /** What the rows are, for readers of the screen. */
  label: string;
  // Columns of one table have values of many types.
  // biome-ignore lint/suspicious/noExplicitAny: the library's own signature
  columns: ColumnDef<T, any>[];
  rows: T[];
  idOf: (row: T) => string;
  empty: ReactNode;
  childrenOf?: (row: T) => T[] | undefined;
  sorting?: SortingState;
  onSorting?: (sorting: SortingState) => void;
  /** The rows come in the order that is asked for. */
  isSorted?: boolean;
  visible?: VisibilityState;
  selected?: RowSelectionState;
  onSelected?: OnChangeFn<RowSelectionState>;
  canSelect?: (row: T) => boolean;
  /** Height of a row in pixels. */
  rowHeight?: number;
  /** Called as the last rows come into sight, to fetch more. */
  onEnd?: () => void;
  /** As high as its rows, up to half a window, in a page that scrolls itself. */
  isShort?: boolean;
}

const AHEAD = 12;

/** The widest column where there is little room. */
const NARROW = 150;

function useIsNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = matchMedia("(max-width: 760px)");
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    () => matchMedia("(max-width: 760px)").matches,
  );
}

export function DataTable<T>(given: TableProps<T>) {
  const { label, columns, rows, idOf, empty, childrenOf, rowHeight = 34 } = given;
  const [ownSorting, setOwnSorting] = useState<SortingState>([]);
  const [expanded, setExpanded] = useState<ExpandedState>(true);
  const sorting = given.sorting ?? ownSorting;
  const changeSorting: OnChangeFn<SortingState> = (change) => {
    const next = typeof change === "function" ? change(sorting) : change;
    (given.onSorting ?? setOwnSorting)(next);
  };
  const table = useReactTable({
    data: rows,
    columns,
    getRowId: idOf,
    getSubRows: childrenOf,
    state: {
      sorting,
      expanded,
      columnVisibility: given.visible ?? {},
      rowSelection: given.selected ?? {},
    },
    onSortingChange: changeSorting,
    onExpandedChange: setExpanded,
    onRowSelectionChange: given.onSelected,
    enableRowSelection: given.onSelected ? (row) => given.canSelect?.(row.original) ?? true : false,
    enableSubRowSelection: false,
    sortDescFirst: false,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getExpandedRowModel: getExpandedRowModel(),
    manualSorting: given.isSorted ?? false,
  });
  const scroller = useRef<HTMLElement>(null);
  const shown = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    // Rows are drawn with the table, rather than after it was measured.
    initialRect: { width: innerWidth, height: given.isShort ? innerHeight / 2 : innerHeight },
    overscan: AHEAD,
    // The same function for the same rows: with another one, all of them are measured anew.
    getItemKey: useCallback((index: number) => shown[index]?.id ?? index, [shown]),
    onChange: (instance) => {
      const last = instance.getVirtualItems().at(-1)?.index ?? 0;
      if (given.onEnd && shown.length > 0 && last >= shown.length - AHEAD) given.onEnd();
    },
  });
  const items = virtual.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const leaves = table.getVisibleLeafColumns();
  const isNarrow = useIsNarrow();
  const widthOf = (column: (typeof leaves)[number]) =>
    isNarrow ? Math.min(column.getSize(), NARROW) : column.getSize();
  const least = leaves.reduce((sum, column) => sum + widthOf(column), 0);

  return (
    <section
      className={given.isShort ? "table-scroller table-short" : "table-scroller"}
      ref={scroller}
      aria-label={label}
      // Whoever has no mouse scrolls it by the arrow keys.
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable
      tabIndex={0}
      onKeyDown={(event) => moveBetweenRows(event, virtual.scrollToIndex, shown.length)}
    >
      <table style={{ minWidth: least }} aria-rowcount={shown.length + 1}>
        <caption className="visually-hidden">{label}</caption>
        <colgroup>
          {leaves.map((column) => (
            <col key={column.id} style={column.columnDef.meta?.grows ? {} : { width: widthOf(column) }} />
          ))}
        </colgroup>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => {
                const { column } = header;
                const direction = column.getIsSorted();
                const content = flexRender(column.columnDef.header, header.getContext());
                return (
                  <th
                    key={header.id}
                    scope="col"
                    title={column.columnDef.meta?.title}
                    className={column.columnDef.meta?.align === "right" ? "right" : undefined}
                    aria-sort={direction === "asc" ? "ascending" : direction === "desc" ? "descending" : undefined}
                  >
                    {column.getCanSort() ? (
                      <button type="button" className="sort" onClick={column.getToggleSortingHandler()}>
                        {content}
                        <span aria-hidden="true" className="sort-sign">
                          {direction === "asc" ? "▲" : direction === "desc" ? "▼" : ""}
                        </span>
                      </button>
                    ) : (
                      content
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {before > 0 && <Gap height={before} columns={leaves.length} />}
          {items.map((item) => {
            const row = shown[item.index];
            return row ? (
              <Line
                key={row.id}
                row={row}
                index={item.index}
                height={rowHeight}
                columns={leaves}
                isSelected={row.getIsSelected()}
                isExpanded={row.getIsExpanded()}
              />
            ) : null;
          })}
          {after > 0 && <Gap height={after} columns={leaves.length} />}
        </tbody>
      </table>
      {shown.length === 0 && <div className="table-empty">{empty}</div>}
    </section>
  );
}

/** Room for the rows that are not drawn. */
function Gap({ height, columns }: { height: number; columns: number }) {
  return (
    <tr aria-hidden="true" className="gap">
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}

interface LineProps<T> {
  row: Row<T>;
  index: number;
  height: number;
  /** What else its cells are made of, beside the row: another of these is another line. */
  columns: Column<T>[];
  isSelected: boolean;
  isExpanded: boolean;
}

/** Drawn when it is another: while the table scrolls, only the rows that come into view are. */
const Line = memo(function Line<T>({ row, index, height, isSelected }: LineProps<T>) {
  const kind = row.getCanExpand() ? "group" : isSelected ? "selected" : undefined;
  return (
    <tr data-index={index} className={kind} style={{ height }} aria-rowindex={index + 2}>
      {row.getVisibleCells().map((cell) => (
        <td key={cell.id} className={cell.column.columnDef.meta?.align === "right" ? "right number" : undefined}>
          {flexRender(cell.column.columnDef.cell, cell.getContext())}
        </td>
      ))}
    </tr>
  );
}) as <T>(props: LineProps<T>) => ReactNode;

/** Down and up, or `j` and `k`, go from row to row: to the first link or button of each. */
function moveBetweenRows(event: KeyboardEvent<HTMLElement>, scrollTo: (index: number) => void, length: number): void {
  const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target as HTMLElement;
  if (at.matches("input:not([type=checkbox]), select, textarea")) return;
  const region = event.currentTarget;
  const now = at.closest("tr")?.dataset.index;
  const next = now === undefined ? (by > 0 ? 0 : -1) : Number(now) + by;
  if (next < 0 || next >= length) return;
  event.preventDefault();
  scrollTo(next);
  const focus = () => {
    const link = region.querySelector<HTMLElement>(`tr[data-index="${next}"] :is(a, button)`);
    link?.focus({ preventScroll: true });
    return link;
  };
  // One that is not drawn yet, is in the next frame.
  if (!focus()) requestAnimationFrame(focus);
}

/** The first column of a table whose rows can be selected. */
export function selection<T>(nameOf: (row: T) => string): ColumnDef<T> {
  return {
    id: "select",
    size: 34,
    enableSorting: false,
    meta: { name: "Selection" },
    header: ({ table }) => (
      <input
        type="checkbox"
        aria-label="Select all rows"
        checked={table.getIsAllRowsSelected()}
        onChange={table.getToggleAllRowsSelectedHandler()}
      />
    ),
    cell: ({ row }) => (
      <input
        type="checkbox"
        aria-label={`Select ${nameOf(row.original)}`}
        checked={row.getIsSelected()}
        disabled={!row.getCanSelect()}
        onChange={row.getToggleSelectedHandler()}
      />
    ),
  };
}
