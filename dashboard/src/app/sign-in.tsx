// Signing in by an access token, where the server asks for one.

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import logo from "~/berth.svg";
import { Note } from "~/parts/states";
import { session } from "./session";

export function SignIn({ wasRefused }: { wasRefused: boolean }) {
  const client = useQueryClient();
  const [token, setToken] = useState("");
  const [isKept, setIsKept] = useState(false);
  useEffect(() => {
    document.title = "Sign in · Berth";
    // Nothing that somebody else has seen stays.
    client.removeQueries({ predicate: (query) => query.queryKey[0] !== "installation" });
  }, [client]);
  return (
    <main className="sign-in">
      <form
        className="form sign-in-form"
        onSubmit={(event) => {
          event.preventDefault();
          session.signIn(token, isKept);
        }}
      >
        <img src={logo} alt="" width="40" height="40" />
        <h1>Berth</h1>
        {wasRefused && <Note tone="bad">The token is not known, was revoked, or has expired.</Note>}
        <div className="field">
          <label htmlFor="token">Access token</label>
          <input
            id="token"
            type="password"
            required
            autoComplete="off"
            spellCheck={false}
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
          <small>
            From whoever runs this server: <code>berth tokens create NAME</code>
          </small>
        </div>
        <label className="check">
          <input type="checkbox" checked={isKept} onChange={(event) => setIsKept(event.target.checked)} />
          Keep it in this browser when the tab is closed
        </label>
        <button type="submit" className="button button-main" disabled={!token.trim()}>
          Sign in
        </button>
      </form>
    </main>
  );
}
