// The files that a run left behind, folder by folder.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import * as ask from "~/api/run-queries";
import { short } from "~/format/number";
import { Answer } from "./states";

export function RunArtifacts({ at }: { at: ask.At }) {
  const [path, setPath] = useState("");
  const tree = useQuery(ask.tree(at, path));
  const above = path.split("/").slice(0, -1).join("/");
  const within = (name: string) => (path === "" ? name : `${path}/${name}`);
  return (
    <Answer of={tree}>
      {({ dirs, files }) => {
        const isEmpty = dirs.length === 0 && Object.keys(files).length === 0;
        return isEmpty && path === "" ? (
          <p className="faint">
            This server keeps no list of files of this run. Its agent's artifacts store has what it kept.
          </p>
        ) : (
          <div className="panel">
            <p className="faint">
              <code>/{path}</code>
            </p>
            <ul className="plain tree">
              {path !== "" && (
                <li>
                  <button type="button" className="link" onClick={() => setPath(above)}>
                    ..
                  </button>
                </li>
              )}
              {dirs.map((name) => (
                <li key={name}>
                  <button type="button" className="link" onClick={() => setPath(within(name))}>
                    {name}/
                  </button>
                </li>
              ))}
              {Object.entries(files).map(([name, size]) => (
                <li key={name}>
                  <span>{name}</span>
                  <span className="faint number">{typeof size === "number" ? `${short(size)}B` : ""}</span>
                </li>
              ))}
            </ul>
          </div>
        );
      }}
    </Answer>
  );
}
