"""Make slides of the figures and summaries of a built book: one HTML file that needs no network.

    python tools/slides.py DIRECTORY

DIRECTORY holds _toc.yml and the book in _build/html; the slides are slides.html among its pages.
The figures, their numbers and their captions are those of the pages, so slides cannot differ from
the book.  Arrow keys turn the slides; printed, each is a page.
"""

import base64
import html as markup
import mimetypes
import re
import sys
from pathlib import Path
from urllib.parse import unquote

from bs4 import BeautifulSoup, Tag

from qwlib.run.page import mathml

DECK = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
html {{ scroll-snap-type: y mandatory; font: 1.3rem/1.4 sans-serif; }}
body {{ margin: 0; color: #222; background: #fff; }}
section {{ box-sizing: border-box; height: 100vh; padding: 2vh 4vw; scroll-snap-align: start;
  display: flex; flex-direction: column; justify-content: center; break-after: page; }}
h1, h2 {{ margin: 0 0 1vh; }}
h2 {{ font-size: 1.1rem; color: #555; font-weight: normal; }}
figure {{ margin: 0; min-height: 0; flex: 1; display: flex; gap: 3vw; align-items: center; }}
figure img {{ max-width: 62%; max-height: 100%; object-fit: contain; }}
figcaption {{ flex: 1; max-height: 100%; overflow: auto; font-size: 1rem; }}
.caption-number {{ font-weight: bold; }}
li {{ margin-bottom: 1vh; }}
@media (max-width: 700px) {{ section {{ height: auto; min-height: 100vh; }}
  figure {{ flex-direction: column; }} figure img {{ max-width: 100%; }} }}
</style>
</head>
<body>
{slides}
<script>
document.addEventListener("keydown", event => {{
  const step = {{ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1,
    ArrowLeft: -1, ArrowUp: -1, PageUp: -1}}[event.key];
  if (!step) return;
  event.preventDefault();
  const slides = [...document.querySelectorAll("section")];
  const here = slides.findIndex(slide => slide.getBoundingClientRect().bottom > 1);
  slides[Math.min(Math.max(here + step, 0), slides.length - 1)].scrollIntoView();
}});
</script>
</body>
</html>
"""


def cleaned(part: Tag) -> str:
    """Return the inside of a part of a page, with formulas as MathML and no links.

    Nor is there the line below a figure that leads to its data.
    """
    for useless in part.select("a.headerlink, script, .figure-data"):
        useless.decompose()
    for formula in part.select(".math"):
        mathml(formula)
    for link in part.find_all("a"):
        link.unwrap()
    return part.decode_contents().strip()


def picture(image: Tag, page: Path) -> str:
    """Return an image of a page with its file inside."""
    file = page.parent / unquote(image["src"])
    data = base64.b64encode(file.read_bytes()).decode()
    kind = mimetypes.guess_type(file.name)[0]
    return f'<img src="data:{kind};base64,{data}" alt="{markup.escape(image.get("alt", ""))}">'


def article_of(page: Path) -> Tag:
    """Return the article of a page, without code: that is most of it, and takes long to parse."""
    article = re.search("<article.*</article>", page.read_text(encoding="utf-8"), re.DOTALL)[0]
    text = re.sub("<pre>.*?</pre>", "", article, flags=re.DOTALL)
    return BeautifulSoup(text, "html.parser").article


def slides_of(page: Path) -> list[str]:
    """Return the slides of a page: its title, each of its figures, its summary."""
    article = article_of(page)
    title = cleaned(article.h1)
    found = []
    for figure in article.find_all("figure"):
        above = figure.find_previous(["h1", "h2", "h3"])
        heading = "" if above is article.h1 else f"<h2>{cleaned(above)}</h2>"
        caption = cleaned(figure.figcaption)
        image = picture(figure.img, page)
        found.append(f"{heading}<figure>{image}<figcaption>{caption}</figcaption></figure>")
    if not found:
        return []
    summary = article.select_one("section#summary ul")
    if summary:
        found.append(f"<h2>Summary</h2><ul>{cleaned(summary)}</ul>")
    return [f"<section>{slide}</section>" for slide in (f"<h1>{title}</h1>", *found)]


def deck(html: Path, toc: Path) -> str:
    """Return the slides of a built book, in the order of its table of contents."""
    pages = re.findall(r"(?:root|file): *(\S+)", toc.read_text(encoding="utf-8"))
    slides = [slide for page in pages for slide in slides_of(html / f"{page}.html")]
    title = article_of(html / f"{pages[0]}.html").h1
    return DECK.format(title=markup.escape(title.get_text().rstrip("#")), slides="\n".join(slides))


def add(html: Path, toc: Path) -> str:
    """Put the slides of a built book among its pages; return how many there are, in words."""
    text = deck(html, toc)
    (html / "slides.html").write_text(text, encoding="utf-8")
    return f"==> {text.count('<section>')} slides, one file"


def main(directory: Path) -> int:
    """Put the slides of the book in `directory` among its pages; return 1 if there is none."""
    html = directory / "_build" / "html"
    if not (html / "index.html").is_file():
        print(f"error: no book in {html}: run `make book` first", file=sys.stderr)
        return 1
    print(f"{add(html, directory / '_toc.yml')}:\n{html / 'slides.html'}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
