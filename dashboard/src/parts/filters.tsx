// What stands above a list: a text that is looked for, and one of a few choices beside each other.

export function Find({
  label,
  hint,
  value = "",
  onFind,
}: {
  label: string;
  hint: string;
  value?: string;
  onFind: (text: string | undefined) => void;
}) {
  return (
    <input
      type="search"
      className="search"
      data-search
      aria-label={label}
      placeholder={hint}
      value={value}
      onChange={(event) => onFind(event.target.value || undefined)}
    />
  );
}

export function Choice<T extends string | undefined>({
  label,
  of,
  chosen,
  onChoose,
  isSmall = false,
}: {
  label: string;
  of: readonly { readonly id: T; readonly name: string }[];
  chosen: T;
  onChoose: (id: T) => void;
  isSmall?: boolean;
}) {
  const look = isSmall ? "button button-small" : "button";
  return (
    <fieldset className="segments" aria-label={label}>
      {of.map(({ id, name }) => (
        <button
          key={name}
          type="button"
          className={id === chosen ? `${look} button-on` : look}
          aria-pressed={id === chosen}
          onClick={() => onChoose(id)}
        >
          {name}
        </button>
      ))}
    </fieldset>
  );
}
