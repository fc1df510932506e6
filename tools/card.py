"""Draw book/_static/card.png, the picture that other sites show for a link to the book.

.venv/bin/python tools/card.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from qwlib import Well, fermi_states

well = Well(d=2.2, V_L=5.0, V_R=5.0, Delta=0.25, alpha_L=0.046, alpha_R=-0.025)
z = np.linspace(-0.5, 2.7, 600)
density = fermi_states(well, 3.0).spin_density(z).sum(axis=0)

figure = plt.figure(figsize=(12, 6.3), dpi=100, facecolor="#12344d")
axes = figure.add_axes((0.06, 0.08, 0.88, 0.52))
axes.axvspan(0, well.d, color="#1d4a69", lw=0)
axes.plot(z, density, color="#56b4e9", lw=4)
for interface in (0, well.d):
    axes.axvline(interface, color="#e69f00", lw=4)
axes.set_axis_off()
figure.text(0.06, 0.83, "A paper that can be run", color="white", fontsize=46, weight="bold")
subject = "Current-driven spin density in a magnetic quantum well"
figure.text(0.06, 0.71, subject, color="white", fontsize=26)
figure.savefig(Path(__file__).parent.parent / "book" / "_static" / "card.png", metadata={})
