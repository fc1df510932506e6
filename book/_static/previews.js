/* A preview of what a link leads to, under a pointer or on focus by the keyboard.
   book/_ext/previews.py put what it shows at the end of the page.
   A tap follows the link as ever.  Esc, and moving on, put the preview away. */
(() => {
  "use strict";

  const REST = 250; // ms that a pointer rests before a preview comes, or is away before it goes
  const GAP = 6; // px between a link and its preview
  const EDGE = 8; // px between a preview and the edge of the screen

  const source = document.getElementById("qw-previews");
  if (!source) return;
  const known = new Map(
    Array.from(source.content.children, (one) => [one.dataset.for, one]));
  const box = document.createElement("div");
  box.id = "qw-preview";
  box.setAttribute("role", "tooltip");
  box.hidden = true;
  document.querySelector("main").append(box);

  let link = null; // the link whose preview is shown
  let timer = 0;

  const linkAt = (place) => {
    const found = place.closest?.(".bd-article a[href]:not(.headerlink)");
    return found && known.has(found.getAttribute("href")) ? found : null;
  };

  // A formula that is too wide is made smaller: nobody can scroll in a preview.
  const fit = () => {
    const { paddingLeft } = getComputedStyle(box);
    for (const formula of box.querySelectorAll("mjx-container")) {
      const { width } = formula.firstElementChild.getBoundingClientRect();
      const inner = box.clientWidth - 2 * parseFloat(paddingLeft);
      const room = formula.hasAttribute("display") ? formula.clientWidth : inner;
      const size = parseFloat(formula.style.fontSize) || 100;
      if (width > room) formula.style.fontSize = `${Math.floor((size * room) / width)}%`;
    }
  };

  const place = () => {
    if (!link) return;
    const at = Array.from(link.getClientRects()).at(0);
    if (!at || at.bottom < 0 || at.top > innerHeight) return hide();
    const above = at.top - GAP - EDGE;
    const below = innerHeight - at.bottom - GAP - EDGE;
    box.style.maxHeight = "";
    const upwards = box.offsetHeight > below && above > below;
    box.style.maxHeight = `${upwards ? above : below}px`;
    const right = document.documentElement.clientWidth - EDGE - box.offsetWidth;
    box.style.left = `${Math.max(EDGE, Math.min(at.left, right))}px`;
    box.style.top = `${upwards ? at.top - GAP - box.offsetHeight : at.bottom + GAP}px`;
    box.toggleAttribute("data-cut", box.scrollHeight > box.clientHeight + 1);
  };

  const hide = () => {
    clearTimeout(timer);
    if (!link) return;
    link.removeAttribute("aria-describedby");
    link = null;
    box.hidden = true;
  };

  const show = async (wanted) => {
    clearTimeout(timer);
    if (wanted === link) return;
    hide();
    link = wanted;
    window.MathJax?.typesetClear?.([box]);
    box.replaceChildren(...known.get(link.getAttribute("href")).cloneNode(true).childNodes);
    box.hidden = false;
    link.setAttribute("aria-describedby", box.id);
    place();
    if (box.querySelector(".math")) {
      await window.MathJax?.startup?.promise;
      if (wanted === link) await window.MathJax?.typesetPromise?.([box]);
    }
    await Promise.all(Array.from(box.querySelectorAll("img"), (one) => one.decode().catch(() => {})));
    if (wanted !== link) return;
    fit();
    place();
  };

  const later = (act) => {
    clearTimeout(timer);
    timer = setTimeout(act, REST);
  };

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const found = linkAt(event.target);
    if (found) later(() => show(found));
    else if (box.contains(event.target)) clearTimeout(timer);
    else if (link && link !== document.activeElement) later(hide);
    else clearTimeout(timer);
  });
  document.documentElement.addEventListener("pointerleave", () => later(hide));

  document.addEventListener("focusin", (event) => {
    const found = linkAt(event.target);
    if (found && event.target.matches(":focus-visible")) show(found);
    else hide();
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  document.addEventListener("click", hide);
  addEventListener("beforeprint", hide);
  addEventListener("scroll", place, { passive: true, capture: true });
  addEventListener("resize", place, { passive: true });
})();
