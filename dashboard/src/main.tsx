// Where the page begins: the cache of answers, the preferences, the router.

import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { cache } from "./api/cache";
import { installation } from "./api/queries";
import { PreferencesOf } from "./app/preferences";
import { router } from "./router";
import "./style/base.css";
import "./style/shell.css";
import "./style/parts.css";
import "./style/table.css";

// After an upgrade of the server, the files that this page would fetch later are gone: it begins anew, and not again and again.
window.addEventListener("vite:preloadError", (event) => {
  const last = Number(sessionStorage.getItem("berth.began-anew") ?? 0);
  if (Date.now() - last < 30_000) return;
  event.preventDefault();
  sessionStorage.setItem("berth.began-anew", String(Date.now()));
  location.reload();
});

// What every view waits for is asked for before anything is drawn.
void cache.prefetchQuery(installation());

const place = document.getElementById("page");
if (!place) throw new Error("the page has no place to draw in");
createRoot(place).render(
  <StrictMode>
    <QueryClientProvider client={cache}>
      <PreferencesOf>
        <RouterProvider router={router} />
      </PreferencesOf>
    </QueryClientProvider>
  </StrictMode>,
);
