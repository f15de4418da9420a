// Polyaxon's query language, as far as the page builds it: `field:value` by commas, with quotes where a value needs them.

export interface Clause {
  field: string;
  value: string;
}

/** Cuts a query at its commas, but not at those within quotes or lists. */
export function clauses(query: string): Clause[] {
  const parts: string[] = [];
  let part = "";
  let quote = "";
  for (const letter of query) {
    if (quote ? letter === quote : letter === '"' || letter === "'") quote = quote ? "" : letter;
    if (letter === "," && !quote) {
      parts.push(part);
      part = "";
    } else {
      part += letter;
    }
  }
  parts.push(part);
  return parts
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .map((text) => {
      const colon = text.indexOf(":");
      return colon < 0
        ? { field: text, value: "" }
        : { field: text.slice(0, colon).trim(), value: text.slice(colon + 1).trim() };
    });
}

export function joined(all: Clause[]): string {
  return all.map(({ field, value }) => `${field}:${value}`).join(", ");
}

/** The query with that field set to a value, or without the field. */
export function withField(query: string, field: string, value: string | null): string {
  const others = clauses(query).filter((clause) => clause.field !== field);
  return joined(value === null ? others : [...others, { field, value }]);
}

/** What a query says of a field, or null. */
export function fieldOf(query: string, field: string): string | null {
  return clauses(query).find((clause) => clause.field === field)?.value ?? null;
}
