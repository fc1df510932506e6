/* Paper is white, whatever the theme: code, captions and drawings take their light colours while
   the page is printed. */
(() => {
  "use strict";

  const page = document.documentElement;
  let theme = "";

  addEventListener("beforeprint", () => {
    theme = page.dataset.theme;
    page.dataset.theme = "light";
  });
  addEventListener("afterprint", () => (page.dataset.theme = theme));
})();
