// Command lines to copy.

/** A word of a POSIX shell, in quotes if it needs them. */
export function word(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export type Options = Record<string, string | number | boolean | string[] | null | undefined>;

/** Where the command line's own settings say the same, nothing is added. */
export interface Surroundings {
  owner?: string;
  host?: string;
}

/** A command line of `berth`: options without a value are left out, flags are true, lists are repeated. */
export function berth(words: string[], options: Options = {}, { owner, host }: Surroundings = {}): string {
  const line = ["berth", ...words.map(word)];
  const all: Options = { ...options };
  if (owner !== undefined && owner !== "default") all.owner = owner;
  if (host !== undefined && host !== "http://127.0.0.1:8000") all.host = host;
  for (const [name, value] of Object.entries(all)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one === undefined || one === null || one === "" || one === false) continue;
      line.push(`--${name}`);
      if (one !== true) line.push(word(String(one)));
    }
  }
  return line.join(" ");
}
