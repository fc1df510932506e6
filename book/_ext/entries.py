"""Words that a reader may search for and no page has, or many have: where each is treated.

They are entries of the index, which the search puts before pages that only have the words.
"""

from sphinx import addnodes
from sphinx.transforms import SphinxTransform

# Page, place on it, words.  A formula is no text that a search could find, so symbols are written
# as in code here.
ENTRIES = [
    ("book/symbols", "sym-d", ["d", "well width"]),
    ("book/symbols", "sym-barriers", ["V_L", "V_R", "barrier height"]),
    ("book/symbols", "sym-delta", ["Delta", "exchange energy"]),
    ("book/symbols", "sym-alpha", ["alpha_L", "alpha_R", "alpha", "Rashba parameter"]),
    ("book/symbols", "sym-m", ["mass", "effective mass"]),
    ("book/symbols", "sym-e-f", ["E_F", "Fermi energy"]),
    ("book/symbols", "sym-kappa", ["kappa"]),
    ("book/symbols", "sym-s", ["S_y"]),
    ("book/symbols", "sym-gamma-tau", ["hbar/tau", "broadening"]),
    ("book/symbols", "from-our-units-to-si", ["hbar", "SI units"]),
    ("book/lost", "", ["lost state", "lost states"]),
    ("book/lost", "lost-counts", ["27", "14", "27 states", "14 states", "27 and 14"]),
    ("book/interband", "", ["damping", "damping-like torque", "interband"]),
]


class Entries(SphinxTransform):
    """Puts them into the pages, before Sphinx collects the entries of each."""

    default_priority = 840  # SphinxDomains is at 850

    def apply(self, **options) -> None:
        for page, place, words in ENTRIES:
            if page == self.env.docname:
                entries = [("single", word, place, "main", None) for word in words]
                self.document.append(addnodes.index(entries=entries))


def setup(app) -> dict:
    """Register them with Sphinx."""
    app.add_transform(Entries)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
