/* The theme has two pairs of buttons for the menus and gives their work to the first of each, which
   is in a header that it hides.  What is left then is the pair that a reader sees.  This runs
   before the scripts of the theme do. */
for (const button of document.querySelectorAll(".bd-header .sidebar-toggle")) {
  button.remove();
}

/* Who has chosen a section wants to read it. */
document.addEventListener("click", ({ target }) => {
  target.closest("dialog[open] a[href*='#']")?.closest("dialog").close();
});
