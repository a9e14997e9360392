// What goes on by itself on a page: countdowns, and one question to the acquirer. Every page works without it.
"use strict";
(() => {
  // Countdowns go by the portal's clock, which the page brings along: the sandbox's may be moved.
  const said = document.body.dataset;
  const [day, days, ...lesserUnits] = (said.units || "").split(" ");
  const UNITS = [[86400, day], ...[3600, 60, 1].map((size, index) => [size, lesserUnits[index]])];
  const words = (seconds) => {
    const index = UNITS.findIndex(([size]) => seconds >= size);
    if (index < 0) return `0 ${lesserUnits[2]}`;
    const [size, name] = UNITS[index];
    const count = Math.floor(seconds / size);
    const first = `${count} ${size === 86400 && count !== 1 ? days : name}`;
    const next = UNITS[index + 1];
    const lesser = next ? Math.floor((seconds % size) / next[0]) : 0;
    return lesser ? `${first} ${lesser} ${next[1]}` : first;
  };
  const opened = performance.now();
  const left = [...document.querySelectorAll("time[data-until]")].filter((time) => !time.classList.contains("passed"));
  const tick = () => {
    left.forEach((time) => {
      const now = Number(time.dataset.now) + performance.now() - opened;
      const seconds = Math.floor((Number(time.dataset.until) - now) / 1000);
      const told = seconds > 0 ? said.left.replace("{left}", words(seconds)) : said.passed;
      if (time.textContent !== told) time.textContent = told;
      time.classList.toggle("passed", seconds <= 0);
    });
  };
  if (left.length) setInterval(tick, 1000);

  // Whoever has followed a link meanwhile is not called back: loading the page anew would undo their way out of it.
  let isLeaving = false;
  window.addEventListener("beforeunload", () => { isLeaving = true; });

  // What is not final is asked about when somebody opens its page: once, and then the page shows what was said.
  document.querySelectorAll("form[data-ask-on-open]").forEach(async (form) => {
    const key = `asked ${form.getAttribute("action")}`;
    const QUIET_MILLISECONDS = 60000;
    try {
      if (Date.now() - Number(sessionStorage.getItem(key) || 0) < QUIET_MILLISECONDS) return;
      sessionStorage.setItem(key, String(Date.now()));
    } catch { return; }
    const button = form.querySelector("button");
    const said = form.querySelector("[data-asking]");
    const data = new FormData(form);
    data.set(button.name, button.value);
    button.disabled = true;
    if (said) said.hidden = false;
    try {
      const headers = { "X-By-Itself": "yes" }; // nobody pressed it: what came of it is on the page, and no banner elsewhere
      await fetch(form.action, { method: "POST", headers, body: new URLSearchParams(data), redirect: "manual" });
      if (!isLeaving) location.reload();
    } catch {
      button.disabled = false;
      if (said) said.hidden = true;
    }
  });
})();
