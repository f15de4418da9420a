// How far back charts go.

import type { Range } from "~/api/shapes";

const RANGES: Range[] = ["1h", "24h", "7d", "30d"];

export function RangeChoice({ range, onRange }: { range: Range; onRange: (range: Range) => void }) {
  return (
    <fieldset className="segments" aria-label="Range">
      {RANGES.map((one) => (
        <button
          key={one}
          type="button"
          className={one === range ? "button button-small button-on" : "button button-small"}
          aria-pressed={one === range}
          onClick={() => onRange(one)}
        >
          {one}
        </button>
      ))}
    </fieldset>
  );
}
