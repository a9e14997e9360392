// Conveniences of the desk. Every page works without them.
"use strict";
(() => {
  const search = document.getElementById("search");
  const side = document.getElementById("menu");
  const menus = [...document.querySelectorAll("details.menu")];
  const isTyping = (element) => element.matches("input, select, textarea, [contenteditable]");

  // "/" goes to the search box; Escape closes what is open.
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && search && !isTyping(event.target)) {
      event.preventDefault();
      search.focus();
      search.select();
    }
    if (event.key === "Escape") {
      const open = menus.find((menu) => menu.open);
      if (open) { open.open = false; open.querySelector("summary").focus(); }
      if (side) side.classList.remove("open");
      if (event.target === search) search.blur();
    }
  });
  document.addEventListener("click", (event) => {
    menus.filter((menu) => menu.open && !menu.contains(event.target)).forEach((menu) => { menu.open = false; });
    const fold = event.target.closest("[data-fold]");
    if (fold && side) {
      event.preventDefault();
      side.classList.toggle("open");
      const isOpen = side.classList.contains("open");
      document.querySelectorAll(".fold").forEach((button) => button.setAttribute("aria-expanded", String(isOpen)));
      if (isOpen) side.querySelector("li a").focus();
    } else if (side && side.classList.contains("open") && !side.contains(event.target)) {
      side.classList.remove("open");
    }
  });

  // The button of an act repeats the amount as it is typed. The server compares the words and asks again if they differ.
  document.querySelectorAll("form[data-saying]").forEach((form) => {
    const input = form.querySelector("input[data-currency]");
    const button = form.querySelector("button[name=saying]");
    if (!input || !button) return;
    const decimals = Number(input.dataset.decimals);
    const hidesCents = input.dataset.wholeUnits === "true";
    const follow = () => {
      const match = /^\+?([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]*))?$/.exec(input.value.trim());
      const say = (words) => {
        button.value = words;
        button.textContent = words;
      };
      if (!match || /[1-9]/.test((match[2] || "").slice(decimals))) { // what the server refuses, too
        say(form.dataset.unread);
        return;
      }
      const units = match[1].replace(/,/g, "").replace(/^0+(?=[0-9])/, "").replace(/\B(?=([0-9]{3})+$)/g, ",");
      const rest = (match[2] || "").slice(0, decimals).padEnd(decimals, "0");
      const shown = decimals === 0 || (hidesCents && /^0*$/.test(rest)) ? units : `${units}.${rest}`;
      const isAlone = form.dataset.asking === undefined || BigInt(`${units.replace(/,/g, "")}${rest}`) <= BigInt(form.dataset.alone);
      const pattern = isAlone ? form.dataset.saying : form.dataset.asking;
      say(pattern.replace("{amount}", `${shown} ${input.dataset.currency}`));
    };
    input.addEventListener("input", follow);
    follow();
  });

  // One click, one request: what a second click would repeat is refused by the server anyway.
  document.querySelectorAll("form[data-once]").forEach((form) => {
    let isSent = false;
    form.addEventListener("submit", (event) => {
      if (isSent) event.preventDefault();
      isSent = true;
    });
    window.addEventListener("pageshow", () => { isSent = false; });
  });

  document.querySelectorAll("[data-copy]").forEach((button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      const before = button.textContent;
      button.textContent = document.body.dataset.copied;
      setTimeout(() => { button.textContent = before; }, 1600);
    });
  });
})();
