// Shows how far the worker is with a report file, and opens the page anew when it is done. Without it, reload the page.
"use strict";
(() => {
  const box = document.querySelector("[data-progress]");
  if (!box) return;
  const bar = box.querySelector("progress");
  const [title, sentence] = box.querySelectorAll("p");
  let misses = 0;
  const ask = async () => {
    try {
      const answer = await fetch(box.dataset.progress, { credentials: "same-origin", cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const far = await answer.json();
      misses = 0;
      if (!far.is_at_work) { window.location.reload(); return; }
      title.textContent = far.title;
      sentence.textContent = far.sentence;
      bar.max = far.whole || 1;
      if (far.done) bar.value = far.done; else bar.removeAttribute("value");
    } catch {
      misses += 1;
    }
    setTimeout(ask, Math.min(1000 * 2 ** misses, 30000));
  };
  setTimeout(ask, 1000);
})();
