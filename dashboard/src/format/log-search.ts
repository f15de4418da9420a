// Finds a text in the lines of a log, and looks only at what is new when more lines come.

import { plain } from "./log";

export class LogSearch {
  private text = "";
  private looked = 0;
  private found: number[] = [];

  /** The numbers of the lines that have the text, in upper or lower case. */
  in(lines: { value: string }[], text: string): readonly number[] {
    const wanted = text.toLowerCase();
    if (wanted !== this.text || lines.length < this.looked) {
      this.text = wanted;
      this.looked = 0;
      this.found = [];
    }
    if (wanted !== "" && this.looked < lines.length) {
      const more = [];
      for (let at = this.looked; at < lines.length; at += 1) {
        if (
          plain(lines[at]?.value ?? "")
            .toLowerCase()
            .includes(wanted)
        )
          more.push(at);
      }
      if (more.length > 0) this.found = [...this.found, ...more];
    }
    this.looked = lines.length;
    return this.found;
  }
}

/** The match after a line, or before it; from the other end where there is none. -1: there is none at all. */
export function nextMatch(found: readonly number[], line: number, step: 1 | -1): number {
  if (found.length === 0) return -1;
  if (step > 0) {
    const at = found.findIndex((one) => one > line);
    return Math.max(at, 0);
  }
  const at = found.findLastIndex((one) => one < line);
  return at < 0 ? found.length - 1 : at;
}

/** Where a text is within a line, as pairs of begin and end. */
export function spans(line: string, text: string): [number, number][] {
  const all: [number, number][] = [];
  if (text === "") return all;
  const [whole, wanted] = [line.toLowerCase(), text.toLowerCase()];
  // In a few scripts the lower case is longer: then nothing is marked rather than the wrong thing.
  if (whole.length !== line.length) return all;
  for (let at = whole.indexOf(wanted); at >= 0; at = whole.indexOf(wanted, at + wanted.length)) {
    all.push([at, at + wanted.length]);
  }
  return all;
}
