/* Who has chosen a section wants to read it. */
document.addEventListener("click", ({ target }) => {
  target.closest("dialog[open] a[href*='#']")?.closest("dialog").close();
});
