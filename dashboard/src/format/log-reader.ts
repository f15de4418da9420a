// Reads a log from its begin to its end, as the stock client does: by the time of the last line while the run is alive, and
// by the names of parts once it has ended. How it asks is given, so that it needs no server.

import type { LogAnswer, LogLine, LogPart } from "~/api/run-queries";

/** Lines that are kept at most: what is beyond them is downloaded, or looked at from the end. */
export const MOST_LINES = 500_000;

export type Ask = (part: LogPart, signal: AbortSignal) => Promise<LogAnswer>;

export interface Read {
  lines: LogLine[];
  /** There is no more, and there will be none. */
  isWhole: boolean;
  /** There is more already. */
  hasMore: boolean;
}

export class LogReader {
  private time: string | undefined;
  private file: string | undefined;
  private last: string | undefined;

  constructor(
    private readonly ask: Ask,
    private readonly part: LogPart,
  ) {}

  /** Reads what follows. `isOver` is whether the run had ended before this is called. */
  async next(isOver: boolean, signal: AbortSignal): Promise<Read> {
    const answer = await this.ask({ ...this.part, last_time: this.time, last_file: this.file }, signal);
    this.time = answer.last_time ?? this.time;
    this.file = answer.last_file ?? undefined;
    this.last = answer.logs.at(-1)?.timestamp ?? this.last;
    const isAll = answer.last_time === null && answer.last_file === null;
    return {
      lines: answer.logs,
      isWhole: isOver && isAll,
      hasMore: this.file !== undefined || (answer.logs.length > 0 && isOver && !isAll),
    };
  }

  /** Goes on behind the last line: the run was resumed. */
  resume(): void {
    this.time = this.last;
    this.file = undefined;
  }
}

/** The whole log as a text, with the time before each line if that is wanted. */
export async function wholeText(
  ask: Ask,
  part: LogPart,
  withTimes: boolean,
  signal: AbortSignal,
  onLines: (count: number) => void = () => {},
): Promise<string[]> {
  const reader = new LogReader(ask, part);
  const texts: string[] = [];
  let count = 0;
  for (;;) {
    // What is there now: a run that goes on is not waited for.
    const read = await reader.next(true, signal);
    count += read.lines.length;
    texts.push(read.lines.map((line) => textOf(line, withTimes)).join(""));
    onLines(count);
    if (read.isWhole || (!read.hasMore && read.lines.length === 0)) return texts;
  }
}

/** A line as it stands in a file. */
export function textOf({ timestamp, value }: LogLine, withTimes: boolean): string {
  const text = value.replace(/[\r\n]+$/, "");
  return withTimes ? `${timestamp} ${text}\n` : `${text}\n`;
}
