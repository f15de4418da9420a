// Lines of a chart, and where they break. Pure.

export interface Line {
  name: string;
  values: (number | null)[];
  /** Which of the palette's colours and dashes: 0 to 3. */
  style: 0 | 1 | 2 | 3;
}

/** Puts a hole wherever nothing was measured, so that no line is drawn over it. */
export function withHoles(times: number[], lines: Line[], step: number): [number[], (number | null)[][]] {
  const at: number[] = [];
  const values: (number | null)[][] = lines.map(() => []);
  for (const [index, time] of times.entries()) {
    const last = at.at(-1);
    if (last !== undefined && time - last > step * 1.5) {
      at.push(last + step);
      for (const column of values) column.push(null);
    }
    at.push(time);
    for (const [which, line] of lines.entries()) values[which]?.push(line.values[index] ?? null);
  }
  return [at, values];
}
