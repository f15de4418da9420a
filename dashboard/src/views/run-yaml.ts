// A resolved operation as lines of YAML, each with the path of its field, so that its origin can stand beside it. Pure.

export interface YamlLine {
  text: string;
  /** The field, as origins name it: `run.container.args[0]`. */
  path: string;
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Words that YAML reads as something else than a text, in one version or another. */
const RESERVED = /^(?:true|false|yes|no|on|off|y|n|null|~|\.inf|\.nan|-\.inf)$/i;
/** What is a text without quotes, and nothing else: it begins with a letter or a slash. */
const PLAIN = /^[A-Za-z_/][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+-]+)*$/;

function scalar(value: null | boolean | number | string): string {
  if (typeof value !== "string") return JSON.stringify(value);
  // JSON's texts are YAML's texts in double quotes.
  return PLAIN.test(value) && !RESERVED.test(value) ? value : JSON.stringify(value).replace(/\u007f/g, "\\x7f");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
const NO_BLOCK = /[\u0000-\u0008\u000b-\u001f\u007f\u0085\u2028\u2029]|^\s/;

/** Whether a text reads better as a block of lines, and can be one. */
const isBlock = (value: Json): value is string =>
  typeof value === "string" && value.includes("\n") && !NO_BLOCK.test(value);

const isEmpty = (value: Json) =>
  typeof value === "object" &&
  value !== null &&
  (Array.isArray(value) ? value.length : Object.keys(value).length) === 0;

export function yaml(document: Json): YamlLine[] {
  const lines: YamlLine[] = [];
  write(document, "", 0, "", lines);
  return lines;
}

/** Writes a value behind `head`, which is its key or the dash of its item. */
function write(value: Json, path: string, depth: number, head: string, lines: YamlLine[]): void {
  const before = "  ".repeat(depth);
  const put = (text: string) => lines.push({ text, path });
  const lead = head === "" ? "" : `${head} `;
  if (isBlock(value)) {
    // The sign says how many line ends there are at the end: none, one, or all.
    const ends = /\n*$/.exec(value)?.[0].length ?? 0;
    put(`${before}${lead}|${ends === 0 ? "-" : ends === 1 ? "" : "+"}`);
    const body = ends > 0 ? value.slice(0, -1) : value;
    for (const line of body.split("\n")) put(line === "" ? "" : `${"  ".repeat(depth + 1)}${line}`);
  } else if (value === null || typeof value !== "object") {
    put(`${before}${lead}${scalar(value)}`);
  } else if (isEmpty(value)) {
    put(`${before}${lead}${Array.isArray(value) ? "[]" : "{}"}`);
  } else {
    const inner = head === "" ? depth : depth + 1;
    if (head !== "") put(`${before}${head}`);
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) write(item, `${path}[${index}]`, inner, "-", lines);
    } else {
      for (const [key, item] of Object.entries(value)) {
        write(item, path === "" ? key : `${path}.${key}`, inner, `${scalar(key)}:`, lines);
      }
    }
  }
}

/** The lines of a list's items as people write them: the first field beside the dash. */
export function compact(lines: YamlLine[]): YamlLine[] {
  const all: YamlLine[] = [];
  for (const line of lines) {
    const before = all.at(-1);
    if (before && /^ *-$/.test(before.text) && line.text.startsWith(" ")) {
      all[all.length - 1] = { text: `${before.text} ${line.text.trimStart()}`, path: line.path };
    } else {
      all.push(line);
    }
  }
  return all;
}

/** Where a field comes from: its own origin, or that of what it is within. Null: several, or nobody said. */
export function originOf(path: string, origins: Record<string, string>): string | null {
  for (let field = path; field !== ""; field = field.replace(/(?:\[\d+\]|\.?[^.[\]]+)$/, "")) {
    const origin = origins[field];
    if (origin !== undefined) return origin;
  }
  return null;
}
