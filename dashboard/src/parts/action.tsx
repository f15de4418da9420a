// Something that is done: a dialog that says what it does and to how many, shows its REST call and its command line, takes a
// reason, asks for the name before what can't be undone, and tells how it went.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useId, useMemo, useState } from "react";
import { type Call, shownCall } from "~/api/call";
import { send } from "~/api/client";
import { Problem, wordsOf } from "~/api/problem";
import { refreshAll } from "~/api/queries";
import type { Course, Preview } from "~/api/shapes";
import { count, plural } from "~/format/number";
import { Dialog } from "./dialog";
import { Failure, Note } from "./states";
import { Snippet } from "./text";

export type Values = Record<string, string>;

export interface Field {
  name: string;
  label: string;
  /** What may be given. */
  hint?: string;
  initial?: string;
  kind?: "text" | "select" | "area" | "check";
  choices?: { value: string; label: string }[];
  required?: boolean;
}

export interface Action {
  title: string;
  /** What will be, in one or two sentences. */
  explains: ReactNode;
  /** What the button says. */
  verb: string;
  fields?: Field[];
  call: (values: Values) => Call;
  cli: (values: Values, reason: string) => string;
  /** Asks first how many there are. The same call with `dry_run`. */
  previews?: { things: string; show?: (item: never) => ReactNode };
  takesReason?: boolean;
  /** What must be typed before it is done. */
  typed?: string;
  isDangerous?: boolean;
  /** Shown when it is done, instead of closing: what is told only once. */
  result?: (answer: never) => ReactNode;
  /** Called when it is done, before everything is asked again: what is gone must be left first. */
  onDone?: (answer: never) => unknown;
}

const Open = createContext<(action: Action) => void>(() => {});

/** Opens the dialog of an action. */
export function useAction(): (action: Action) => void {
  return useContext(Open);
}

/** Where dialogs of actions live, and where it is told how they went. */
export function Actions({ children }: { children: ReactNode }) {
  const [action, setAction] = useState<Action | null>(null);
  const [told, setTold] = useState<string | null>(null);
  const open = useCallback((next: Action) => setAction(next), []);
  const tell = useCallback((text: string) => {
    setTold(text);
    setTimeout(() => setTold((now) => (now === text ? null : now)), 6_000);
  }, []);
  return (
    <Open value={open}>
      {children}
      {action && <ActionDialog action={action} onClose={() => setAction(null)} tell={tell} />}
      <div className="toasts" role="status" aria-live="polite">
        {told && <div className="toast">{told}</div>}
      </div>
    </Open>
  );
}

/** A value, once it has not changed for so many milliseconds. */
function useSettled<T>(value: T, after: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), after);
    return () => clearTimeout(timer);
  }, [value, after]);
  return settled;
}

/** Sends a call, and goes on where it ended until all is done: changes of many things come in parts. */
async function sendWhole(call: Call, reason: string, onPart: (done: number) => void): Promise<unknown> {
  let answer = await send<unknown>(call, { reason });
  if (!isCourse(answer)) return answer;
  const whole: Course = { ...answer };
  while (isCourse(answer) && answer.next) {
    onPart(whole.done);
    answer = await send<unknown>({ ...call, body: { ...(call.body as object), cursor: answer.next } }, { reason });
    if (isCourse(answer)) {
      whole.done += answer.done;
      whole.kept += answer.kept;
      whole.not_done = [...whole.not_done, ...answer.not_done].slice(0, 100);
    }
  }
  return { ...whole, next: null };
}

function isCourse(answer: unknown): answer is Course {
  return typeof answer === "object" && answer !== null && "done" in answer && "not_done" in answer;
}

function ActionDialog({
  action,
  onClose,
  tell,
}: {
  action: Action;
  onClose: () => void;
  tell: (text: string) => void;
}) {
  const client = useQueryClient();
  const id = useId();
  const [values, setValues] = useState<Values>(() =>
    Object.fromEntries((action.fields ?? []).map((field) => [field.name, field.initial ?? ""])),
  );
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const [done, setDone] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [answer, setAnswer] = useState<unknown>(undefined);
  const request = useMemo(() => action.call(values), [action, values]);
  // While somebody types, the server is not asked at every letter.
  const settled = useSettled(request, 300);
  const dryRun = useMemo<Call>(() => ({ ...settled, query: { ...settled.query, dry_run: true } }), [settled]);
  const preview = useQuery({
    queryKey: ["preview", dryRun],
    queryFn: ({ signal }) => send<Preview<never>>(dryRun, { signal }),
    enabled: action.previews !== undefined,
    gcTime: 0,
    staleTime: 0,
    retry: false,
  });
  const isMissing = (action.fields ?? []).some((field) => field.required && !values[field.name]?.trim());
  const isNotTyped = action.typed !== undefined && typed !== action.typed;
  const isNothing =
    action.previews !== undefined &&
    (settled !== request || preview.isPending || preview.isError || preview.data.count === 0);
  const problemOf = (name: string) =>
    error instanceof Problem ? error.fields.find((field) => field.field === name)?.message : undefined;

  const act = async () => {
    setIsBusy(true);
    setError(null);
    try {
      const got = await sendWhole(request, reason, setDone);
      await action.onDone?.(got as never);
      refreshAll(client);
      if (action.result || (isCourse(got) && got.kept > 0)) {
        setAnswer(got ?? null);
      } else {
        tell(isCourse(got) ? `${action.title}: ${count(got.done)} done` : `${action.title}: done`);
        onClose();
      }
    } catch (thrown) {
      setError(thrown);
    } finally {
      setIsBusy(false);
      setDone(null);
    }
  };

  if (answer !== undefined) {
    return (
      <Dialog
        title={action.title}
        onClose={onClose}
        footer={
          <button type="button" className="button button-main" onClick={onClose}>
            Close
          </button>
        }
      >
        {action.result ? action.result(answer as never) : isCourse(answer) && <Outcome course={answer} />}
      </Dialog>
    );
  }
  return (
    <Dialog
      title={action.title}
      onClose={onClose}
      footer={
        <>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            form={id}
            className={action.isDangerous ? "button button-danger" : "button button-main"}
            disabled={isBusy || isMissing || isNotTyped || isNothing}
          >
            {isBusy ? (done === null ? "Working…" : `${count(done)} done…`) : action.verb}
          </button>
        </>
      }
    >
      <form
        id={id}
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void act();
        }}
      >
        <div className="explains">{action.explains}</div>
        {(action.fields ?? []).map((field) => (
          <FieldInput
            key={field.name}
            field={field}
            value={values[field.name] ?? ""}
            problem={problemOf(field.name)}
            onChange={(value) => setValues((now) => ({ ...now, [field.name]: value }))}
          />
        ))}
        {action.previews && (
          <div className="preview" aria-live="polite">
            {preview.data ? (
              <>
                <strong className="number">{plural(preview.data.count ?? 0, action.previews.things)}</strong> would be
                changed.
                {action.previews.show && preview.data.sample.length > 0 && (
                  <ul>
                    {preview.data.sample.map((item, at) => (
                      // biome-ignore lint/suspicious/noArrayIndexKey: a sample is shown as it came, and never changes
                      <li key={at}>{action.previews?.show?.(item)}</li>
                    ))}
                  </ul>
                )}
              </>
            ) : preview.error ? (
              <span className="bad">{wordsOf(preview.error)}</span>
            ) : (
              "Counting…"
            )}
          </div>
        )}
        {action.takesReason && (
          <label className="field">
            <span>Reason</span>
            <input value={reason} maxLength={400} onChange={(event) => setReason(event.target.value)} />
            <small>Kept in the audit log.</small>
          </label>
        )}
        {action.typed !== undefined && (
          <label className="field">
            <span>
              Type <code>{action.typed}</code> to go on
            </span>
            <input
              value={typed}
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setTyped(event.target.value)}
            />
          </label>
        )}
        {error !== null && <Failure error={error} />}
        <details className="same">
          <summary>The same by REST and on the command line</summary>
          <Snippet
            text={shownCall(request) + (reason && action.takesReason ? `\nX-Berth-Reason: ${reason}` : "")}
            label="REST call"
          />
          <Snippet text={action.cli(values, reason)} label="Command line" />
        </details>
      </form>
    </Dialog>
  );
}

/** What was left as it was, and why. */
function Outcome({ course }: { course: Course }) {
  return (
    <>
      <p>
        {count(course.done)} done, {count(course.kept)} left as they were.
      </p>
      <Note tone="warn">
        <ul className="plain">
          {course.not_done.map(({ uuid, why }) => (
            <li key={uuid}>
              <code>{uuid}</code> {why}
            </li>
          ))}
        </ul>
      </Note>
    </>
  );
}

export function FieldInput({
  field,
  value,
  problem,
  onChange,
}: {
  field: Field;
  value: string;
  problem?: string;
  onChange: (value: string) => void;
}) {
  const id = useId();
  const shared = {
    id,
    value,
    required: field.required,
    "aria-invalid": problem ? true : undefined,
    "aria-describedby": field.hint || problem ? `${id}-hint` : undefined,
  };
  return (
    <div className="field">
      <label htmlFor={id}>{field.label}</label>
      {field.kind === "select" ? (
        <select {...shared} onChange={(event) => onChange(event.target.value)}>
          {field.choices?.map((choice) => (
            <option key={choice.value} value={choice.value}>
              {choice.label}
            </option>
          ))}
        </select>
      ) : field.kind === "area" ? (
        <textarea {...shared} rows={8} spellCheck={false} onChange={(event) => onChange(event.target.value)} />
      ) : field.kind === "check" ? (
        <input
          id={id}
          type="checkbox"
          checked={value === "true"}
          onChange={(event) => onChange(String(event.target.checked))}
        />
      ) : (
        <input {...shared} autoComplete="off" spellCheck={false} onChange={(event) => onChange(event.target.value)} />
      )}
      {(field.hint || problem) && (
        <small id={`${id}-hint`} className={problem ? "bad" : undefined}>
          {problem ?? field.hint}
        </small>
      )}
    </div>
  );
}
