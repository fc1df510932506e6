/* The output below a question is folded (the tag hide-output), so that it can be answered first.
   A fold opens when its cell runs in the page, and for the time of a printing; one that holds what
   a link leads to, then. */
(() => {
  "use strict";

  const FOLD = "details.hide";
  let opened = [];

  const open = (folds) => folds.forEach((fold) => (fold.open = true));
  const ofCell = (place) => place.closest("div.cell")?.querySelectorAll(FOLD) ?? [];

  document.addEventListener("click", ({ target }) => {
    if (target.closest(".thebe-controls .qw-below")) {
      const all = Array.from(document.querySelectorAll("div.cell"));
      all.slice(all.indexOf(target.closest("div.cell"))).forEach((one) => open(ofCell(one)));
    } else if (target.closest(".thebe-controls button")) {
      open(ofCell(target));
    } else if (target.closest('.qw-live[data-state="live"] .qw-run')) {
      open(document.querySelectorAll(FOLD));
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.shiftKey && event.target.closest(".thebe-cell")) {
      open(ofCell(event.target));
    }
  });

  const openTarget = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const fold = target?.closest("details:not([open])");
    if (fold) {
      fold.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("DOMContentLoaded", openTarget);
  addEventListener("hashchange", openTarget);

  addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll(`:is(${FOLD}, .statement, .exercise, .sd-dropdown):not([open])`));
    open(opened);
  });

  addEventListener("afterprint", () => opened.forEach((fold) => (fold.open = false)));
})();
