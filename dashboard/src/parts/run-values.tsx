// What goes into a run and what it gave back: inputs, outputs, resources, what clients noted of it.

import type { WholeRun } from "~/api/run-queries";
import { Section } from "./page";
import { Copy } from "./text";

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function Values({ values, label }: { values: Record<string, unknown>; label: string }) {
  return (
    <div className="table-wide">
      <table className="plain-table values" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Value</th>
            <th scope="col">
              <span className="visually-hidden">Copy</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(values).map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <code>{shown(value)}</code>
              </td>
              <td className="right">
                <Copy text={shown(value)} label={`Copy: ${name}`} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function RunValues({ run }: { run: WholeRun }) {
  const resources = Object.fromEntries(Object.entries(run.resources ?? {}).filter(([, amount]) => amount !== 0));
  const parts: [string, Record<string, unknown> | null, string][] = [
    ["Inputs", run.inputs, "It takes none."],
    ["Outputs and metrics", run.outputs, "It has told none."],
    ["Resources", resources, "It asks for none."],
    ["Noted by clients", run.meta_info, "Nothing."],
  ];
  return (
    <>
      {parts.map(([title, values, none]) => (
        <Section key={title} title={title}>
          {values && Object.keys(values).length > 0 ? (
            <Values values={values} label={title} />
          ) : (
            <p className="faint">{none}</p>
          )}
        </Section>
      ))}
    </>
  );
}
