/* What is wider than a narrow screen scrolls in a box of its own: a formula in a sentence gets one
   here, the theme and qwlib.css give one to others.  Where something is hidden at the right of such
   a box, its edge fades, since a formula that is cut may read as a whole one. */
(() => {
  "use strict";

  const article = document.querySelector(".bd-article");
  if (!article) return;

  const BOXES =
    "div.math mjx-container, mjx-container.qw-wide, .pst-scrollable-table-container, " +
    ".cell_output pre, .cell_output .text_html, .cell_input pre";

  const fade = (box) => {
    const hidden = box.scrollWidth - box.clientWidth - box.scrollLeft;
    const cut = hidden > 2 && box.matches(BOXES);
    box.classList.toggle("qw-cut", cut);
    // The theme gives keys a way to scroll when a page loads, and what is folded has no width then.
    if (cut && box.tabIndex < 0) box.tabIndex = 0;
  };

  const look = () => {
    const found = [];
    for (const formula of article.querySelectorAll("mjx-container:not([display])")) {
      const text = formula.closest("p, li, dd, figcaption, h1, h2, h3");
      if (!text || formula.closest("table")) continue;
      found.push([formula, formula.firstElementChild.offsetWidth > text.clientWidth]);
    }
    for (const [formula, wide] of found) {
      formula.classList.toggle("qw-wide", wide);
      if (wide) formula.tabIndex = 0;
      else formula.removeAttribute("tabindex");
    }
    article.querySelectorAll(`${BOXES}, .qw-cut`).forEach(fade);
  };

  addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    new ResizeObserver(look).observe(article);
    const scrolled = ({ target }) => target.matches?.(BOXES) && fade(target);
    article.addEventListener("scroll", scrolled, { capture: true, passive: true });
  });
})();
