/* What Sphinx's search counts a find and shows of it.  It is put into the script of the search page
   alone. */

/* A page whose own title has the words comes first, one that treats them before what the glossary
   says of them, the names of functions after the pages. */
var Scorer = {
  score: ([page, title, anchor, , score]) => {
    const asked = new URLSearchParams(location.search).get("q") ?? "";
    const named = !anchor && title.toLowerCase().includes(asked.trim().toLowerCase());
    return score + (named ? 200 : 0) - (page === "book/glossary" ? 1 : 0);
  },
  objNameMatch: 3,
  objPartialMatch: 2,
  objPrio: { 0: 1, 1: 0, 2: -1 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

/* An excerpt is of sentences: no buttons, no code, no formula as TeX, words of a list apart. */
document.addEventListener("DOMContentLoaded", () => {
  const textOf = Search.htmlToText;
  Search.htmlToText = (html, ...rest) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const aside = ".bd-header-article, #jb-print-docs-body, .bd-sidebar-secondary, .cell_input, pre";
    page.querySelectorAll(`${aside}, qw-slider`).forEach((node) => node.remove());
    page.querySelectorAll(".math").forEach((node) => (node.textContent = "…"));
    page.querySelectorAll("dt, p, li, h1, h2, h3").forEach((node) => node.append(" "));
    return textOf(page.documentElement.outerHTML, ...rest);
  };
});
