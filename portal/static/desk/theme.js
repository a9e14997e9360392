// Put the reader's choice of light or dark in force before anything is painted. Loaded in the head, on purpose not
// deferred; without it, or without a choice, the system's preference holds.
"use strict";
(() => {
  const KEY = "desk-theme";
  const root = document.documentElement;
  const chosen = () => {
    try { return localStorage.getItem(KEY) || ""; } catch { return ""; }
  };
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  apply(chosen());
  document.addEventListener("DOMContentLoaded", () => {
    const buttons = [...document.querySelectorAll("[data-set-theme]")];
    const mark = () => buttons.forEach((button) => {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(button.dataset.setTheme === chosen()));
    });
    buttons.forEach((button) => button.addEventListener("click", () => {
      try { localStorage.setItem(KEY, button.dataset.setTheme); } catch { /* a private window: for this page only */ }
      apply(button.dataset.setTheme);
      mark();
    }));
    mark();
  });
})();
