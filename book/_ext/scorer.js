/* What Sphinx's search counts a find: a page whose own title has the words comes first, and the
   names of qwlib's functions after the pages.  Put into the script of the search page alone. */
var Scorer = {
  score: ([, title, anchor, , score]) => {
    const asked = new URLSearchParams(location.search).get("q") ?? "";
    return score + (!anchor && title.toLowerCase().includes(asked.trim().toLowerCase()) ? 200 : 0);
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
