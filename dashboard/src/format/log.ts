// Lines of logs as pieces of text with a look: what terminals colour is coloured, and every other control character is left
// out. Pure, and never HTML.

export interface Look {
  /** One of the terminal's eight colours, by its number. */
  color?: number;
  isBold?: boolean;
  isFaint?: boolean;
  isItalic?: boolean;
  isUnderlined?: boolean;
}

export interface Piece {
  text: string;
  look: Look;
}

// Sequences that begin with ESC: colours and cursor movements (CSI), titles and links (OSC), and short ones.
const SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  /\u001b(?:\[([0-9;:?<=>]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\|$)|[PX^_][^\u001b]*(?:\u001b\\|$)|[ -/]*[0-~]?)/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
const ANY = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** What a terminal would have left of a line that a progress bar wrote over again and again: the last of it. */
function lastOver(line: string): string {
  const whole = line.replace(/[\r\n]+$/, "");
  const at = whole.lastIndexOf("\r");
  return at < 0 ? whole : whole.slice(at + 1);
}

/** The text alone. */
export function plain(line: string): string {
  if (!ANY.test(line)) return line;
  return lastOver(line).replace(SEQUENCE, "").replace(CONTROLS, "");
}

/** A line in pieces of one look each. */
export function pieces(line: string): Piece[] {
  if (!ANY.test(line)) return [{ text: line, look: {} }];
  const shown = lastOver(line);
  const all: Piece[] = [];
  let look: Look = {};
  let from = 0;
  const add = (text: string) => {
    const clean = text.replace(CONTROLS, "");
    if (clean) all.push({ text: clean, look });
  };
  for (const match of shown.matchAll(SEQUENCE)) {
    add(shown.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") look = after(look, match[1] ?? "");
  }
  add(shown.slice(from));
  return all;
}

/** The look after a sequence of "select graphic rendition". */
function after(look: Look, codes: string): Look {
  let next: Look = { ...look };
  const numbers = (codes || "0").split(/[;:]/).map(Number);
  for (let at = 0; at < numbers.length; at += 1) {
    const code = numbers[at] ?? 0;
    if (code === 0) next = {};
    else if (code === 1) next.isBold = true;
    else if (code === 2) next.isFaint = true;
    else if (code === 3) next.isItalic = true;
    else if (code === 4) next.isUnderlined = true;
    else if (code === 22) next = { ...next, isBold: undefined, isFaint: undefined };
    else if (code === 23) next.isItalic = undefined;
    else if (code === 24) next.isUnderlined = undefined;
    else if (code >= 30 && code <= 37) next.color = code - 30;
    else if (code >= 90 && code <= 97) next.color = code - 90;
    else if (code === 39) next.color = undefined;
    else if (code === 38 || code === 48) {
      // A colour of 256, or of all: only the first sixteen have one of ours. The numbers that follow are its own.
      const kind = numbers[at + 1];
      const value = numbers[at + 2];
      if (code === 38 && kind === 5) next.color = value !== undefined && value < 16 ? value % 8 : undefined;
      at += kind === 5 ? 2 : kind === 2 ? 4 : 0;
    }
  }
  return next;
}
