// What the nodes of an agent's cluster have, in summary: what may be used, and what keeps pods away.

import type { NodeSummary } from "~/api/shapes";
import { plural } from "~/format/number";

const MOST_VALUES = 12;

export function Nodes({ of }: { of: NodeSummary }) {
  const resources = Object.entries(of.allocatable);
  return (
    <>
      <p>{plural(of.nodes, "node")}.</p>
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">Resource</th>
            <th scope="col" className="right">
              Of all nodes
            </th>
            <th scope="col" className="right">
              Of the largest
            </th>
          </tr>
        </thead>
        <tbody>
          {resources.map(([name, amount]) => (
            <tr key={name}>
              <td>
                <code>{name}</code>
              </td>
              <td className="right number">{amount}</td>
              <td className="right number">{of.largest[name] ?? "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {of.taints.length > 0 && (
        <table className="plain-table">
          <thead>
            <tr>
              <th scope="col">Taint</th>
              <th scope="col">Effect</th>
              <th scope="col" className="right">
                Nodes
              </th>
            </tr>
          </thead>
          <tbody>
            {of.taints.map(({ key, value, effect, nodes }) => (
              <tr key={`${key} ${value} ${effect}`}>
                <td>
                  <code>{value ? `${key}=${value}` : key}</code>
                </td>
                <td>{effect}</td>
                <td className="right number">{nodes}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">Label</th>
            <th scope="col">Values, for node selectors</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(of.labels).map(([key, { values, more }]) => (
            <tr key={key}>
              <td>
                <code>{key}</code>
              </td>
              <td title={values.join(", ")}>
                {values.slice(0, MOST_VALUES).join(", ")}
                {(more || values.length > MOST_VALUES) && <span className="faint"> and more</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
