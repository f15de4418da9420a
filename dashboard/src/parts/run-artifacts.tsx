// The files that a run left behind, folder by folder, each to download.

import { useQuery } from "@tanstack/react-query";
import { Fragment, useState } from "react";
import { curl } from "~/actions/run";
import { type Call, shownCall } from "~/api/call";
import { fetchFile } from "~/api/client";
import { whyNone, wordsOf } from "~/api/problem";
import * as ask from "~/api/run-queries";
import { save } from "~/app/save";
import { plural, bytes as shown } from "~/format/number";
import type { RunSearch } from "~/views/runs-search";
import { Answer, Note } from "./states";
import { Snippet } from "./text";

interface Given {
  at: ask.At;
  search: RunSearch;
  onSearch: (change: Partial<RunSearch>) => void;
}

export function RunArtifacts({ at, search: { path = "" }, onSearch }: Given) {
  const tree = useQuery(ask.tree(at, path));
  const why = whyNone(tree.error);
  const open = (folder: string) => onSearch({ path: folder || undefined });
  return (
    <>
      <div className="filters">
        <Crumbs path={path} onOpen={open} />
        <Download call={ask.folderCall(at, path)} name={`${path.split("/").at(-1) || at.uuid}.tar`} label="this folder">
          Download all
        </Download>
      </div>
      {tree.data === undefined && why ? (
        <Note>There are none: {why}.</Note>
      ) : (
        <Answer of={tree}>{(found) => <Folder at={at} path={path} tree={found} onOpen={open} />}</Answer>
      )}
      <details className="same">
        <summary>The same by REST and on the command line</summary>
        <Snippet label="REST call" text={shownCall(ask.treeCall(at, path))} />
        <Snippet label="All of this folder as a tar file" text={`${curl(ask.folderCall(at, path))} -o artifacts.tar`} />
        <Snippet
          label="With Polyaxon's client"
          text={`polyaxon ops artifacts -p ${at.owner}/${at.project} -uid ${at.uuid}${path ? ` -d ${path}` : ""}`}
        />
      </details>
    </>
  );
}

/** Where one is, and the way back. */
function Crumbs({ path, onOpen }: { path: string; onOpen: (folder: string) => void }) {
  const parts = path === "" ? [] : path.split("/");
  return (
    <nav className="crumbs" aria-label="Folders">
      <button type="button" className="link" onClick={() => onOpen("")} disabled={path === ""}>
        All
      </button>
      {parts.map((part, at) => {
        const folder = parts.slice(0, at + 1).join("/");
        return (
          <Fragment key={folder}>
            <span aria-hidden="true">/</span>
            <button type="button" className="link" onClick={() => onOpen(folder)} disabled={folder === path}>
              {part}
            </button>
          </Fragment>
        );
      })}
    </nav>
  );
}

function Folder({
  at,
  path,
  tree: { dirs, files, is_cut },
  onOpen,
}: {
  at: ask.At;
  path: string;
  tree: ask.Tree;
  onOpen: (folder: string) => void;
}) {
  const within = (name: string) => (path === "" ? name : `${path}/${name}`);
  const names = Object.entries(files);
  if (dirs.length === 0 && names.length === 0) return <p className="faint">It left no files.</p>;
  return (
    <>
      {is_cut && <Note tone="warn">There are more than {plural(dirs.length + names.length, "entry", "entries")}.</Note>}
      <div className="table-wide">
        <table className="plain-table" aria-label="Files">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col" className="right">
                Size
              </th>
              <th scope="col">
                <span className="visually-hidden">Download</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {dirs.map((name) => (
              <tr key={name}>
                <th scope="row">
                  <button type="button" className="link" onClick={() => onOpen(within(name))}>
                    {name}/
                  </button>
                </th>
                <td />
                <td />
              </tr>
            ))}
            {names.map(([name, bytes]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td className="right number" title={plural(bytes, "byte")}>
                  {shown(bytes)}
                </td>
                <td className="right">
                  <Download call={ask.fileCall(at, within(name))} name={name} label={name}>
                    Download
                  </Download>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Download({ call, name, label, children }: { call: Call; name: string; label: string; children: string }) {
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const download = async () => {
    setIsBusy(true);
    setError(null);
    try {
      save(await fetchFile(call), name);
    } catch (thrown) {
      setError(thrown);
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <>
      <button
        type="button"
        className="button button-small"
        disabled={isBusy}
        aria-label={`${children}: ${label}`}
        onClick={() => void download()}
      >
        {isBusy ? "Downloading…" : children}
      </button>
      {error !== null && (
        <span className="bad" role="alert">
          {wordsOf(error)}
        </span>
      )}
    </>
  );
}
