// What an agent comes to the broker with: its generations, and a new one, whose password is shown once.

import { useQuery } from "@tanstack/react-query";
import { retire } from "~/actions/agent";
import * as ask from "~/api/queries";
import type { NewCredentials } from "~/api/shapes";
import { useAction } from "./action";
import { Answer, Note } from "./states";
import { Moment, Snippet } from "./text";

export function CredentialsOf({ owner, agent, onRotate }: { owner: string; agent: string; onRotate: () => void }) {
  const open = useAction();
  const credentials = useQuery(ask.credentials(owner, agent));
  return (
    <Answer of={credentials}>
      {({ results, needed }) =>
        needed ? (
          <>
            {results.length === 0 ? (
              <Note>It has no credentials: it comes in with those of the broker's own URL, or not at all.</Note>
            ) : (
              <table className="plain-table">
                <thead>
                  <tr>
                    <th scope="col">Generation</th>
                    <th scope="col">User on the broker</th>
                    <th scope="col">Made</th>
                    <th scope="col">By</th>
                    <th scope="col">
                      <span className="visually-hidden">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {results.map(({ generation, user, created_at, created_by }) => (
                    <tr key={generation}>
                      <td className="number">{generation}</td>
                      <td>
                        <code>{user}</code>
                      </td>
                      <td>
                        <Moment at={created_at} />
                      </td>
                      <td>{created_by}</td>
                      <td className="right">
                        <button
                          type="button"
                          className="button button-small button-danger"
                          onClick={() => open(retire({ owner, agent }, generation))}
                        >
                          Retire
                        </button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
            <div>
              <button type="button" className="button" onClick={onRotate}>
                New credentials
              </button>
            </div>
          </>
        ) : (
          <Note>The broker is inside the server's process, and so is the agent: it needs no credentials.</Note>
        )
      }
    </Answer>
  );
}

export function NewCredentialsShown({ made }: { made: NewCredentials }) {
  return (
    <div className="form">
      <p>
        Generation {made.generation}, as the user {made.user}. The password is shown this once.
      </p>
      {made.note && <Note tone="warn">{made.note}</Note>}
      <Snippet text={made.password} label="Password" />
      <Snippet text={made.url} label="Broker URL" />
      <Snippet text={made.helm_values} label="Helm values" />
      <p className="faint">Good from now on: generations {made.valid.join(" and ")}.</p>
    </div>
  );
}
