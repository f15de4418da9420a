// How far back charts go.

import type { Range } from "~/api/shapes";
import { Choice } from "./filters";

const RANGES = (["1h", "24h", "7d", "30d"] as const).map((id) => ({ id, name: id }));

export function RangeChoice({ range, onRange }: { range: Range; onRange: (range: Range) => void }) {
  return <Choice label="Range" of={RANGES} chosen={range} onChoose={onRange} isSmall />;
}
