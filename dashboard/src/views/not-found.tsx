// A path that no view has.

import { Link } from "@tanstack/react-router";
import { Page } from "~/parts/page";

export function NotFound() {
  return (
    <Page title="Nothing is here">
      <p>
        No view has this address. <Link to="/">Go to the overview</Link>.
      </p>
    </Page>
  );
}
