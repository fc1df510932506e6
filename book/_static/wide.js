/* A formula in a sentence that is wider than a narrow screen scrolls in a box of its own, as the
   theme does it for one that stands alone. */
(() => {
  "use strict";

  const article = document.querySelector(".bd-article");
  if (!article) return;

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
  };

  addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    new ResizeObserver(look).observe(article);
  });
})();
