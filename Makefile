# Everything a reader or a contributor runs.  `make help` lists it.
# Kept to what GNU Make 3.81 understands, which is what macOS ships.

# Digits must not depend on the number of threads: a threaded BLAS adds up in
# another order on another machine, and stored outputs are compared to the letter.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
export MKL_NUM_THREADS = 1

# A caller's own settings must not reach the book: another Matplotlib backend
# draws no figures, another module path can hide the qwlib of this tree.  Nor may one that keeps
# Python from storing what it compiles: uv leaves that to the first import, so that each of many
# processes would compile all that it imports again.
unexport MPLBACKEND PYTHONPATH PYTHONHOME PYTHONWARNINGS PYTHONDONTWRITEBYTECODE

# The interpreter to build .venv with, by name or path; empty means that of the
# present .venv, or else the first that works of those in make.py.
PYTHON =
export PYTHON

# `make book SOLUTIONS=no` leaves the solutions of the exercises out of the book.
SOLUTIONS = yes

# What installs the environment where the PATH has no uv, and what wrote requirements.txt: another
# version may resolve or print otherwise.
UV = uv==0.13.9

# What stands in make.py goes without make too; any Python reads it.
MAKE_PY := $(shell for p in .venv/bin/python python3.11 python3.12 python3.13 python3 python; do \
	$$p -c '' 2>/dev/null && echo $$p && break; done || echo python3) make.py
ENVIRONMENT = $(MAKE_PY) environment
PY = .venv/bin/python

# LIVE=local puts verified copies of Thebe and Pyodide beside the pages; without it the button
# that runs a page takes them from their public addresses.
LIVE ?=
export LIVE

# book and test share .venv, so `make -j book test` must not set it up twice at once.
.NOTPARALLEL:
.PHONY: help book serve lab pdf test mutants lint baseline bench slides links release lock clean

help:
	@echo 'make book      build the book afresh into _build/html/index.html'
	@echo 'make serve     show the built book at an address of this machine, so that its pages can run'
	@echo 'make lab       open the chapters in JupyterLab, which shows their MyST'
	@echo 'make pdf       print the built book into one PDF, which needs Chromium or Chrome'
	@echo 'make test      lint, run the tests, and rerun the chapters against their stored outputs'
	@echo 'make mutants   change one thing at a time and see whether a test notices (hours)'
	@echo 'make lint      check style, format, types and imports of the Python files'
	@echo 'make baseline  rerun every chapter and store its outputs in place'
	@echo 'make slides    make the slides of the built book again, as make book does'
	@echo 'make links     ask every address that the book names whether it still answers'
	@echo 'make release   put the built book as a zip, and how to cite it, into _build/release'
	@echo 'make bench     time qwlib against other routes (KWANT=python for Kwant too), and the pages'
	@echo 'make lock      resolve requirements.in into requirements.txt'
	@echo 'make clean     remove everything the other commands made'
	@echo
	@echo 'SOLUTIONS=no after "make book" leaves out the solutions of the exercises.'
	@echo 'PYTHON=python3.12 after the command picks the interpreter (3.11 to 3.13).'
	@echo 'LIVE=local after make book puts what runs the pages beside them (needs npm).'

book:
	@$(MAKE_PY) book --solutions '$(SOLUTIONS)'

serve:
	@$(MAKE_PY) serve

# CHAPTER=chirality opens another one first.
lab:
	@$(MAKE_PY) lab $(CHAPTER)

# The book must have been built.
pdf:
	@$(MAKE_PY) pdf

test:
	@$(MAKE_PY) test

# The measure of the tests.  ONLY='live-* qwlib/kubo.py' tries some of the changes.
mutants:
	@$(ENVIRONMENT)
	@$(PY) tools/mutants.py $(if $(ONLY),--only $(ONLY))

lint:
	@$(MAKE_PY) lint

baseline:
	@$(ENVIRONMENT)
	@$(PY) tools/baseline.py book/*.ipynb

# Part of `make book`; alone it is for a change of tools/slides.py.
slides:
	@$(ENVIRONMENT)
	@$(PY) tools/slides.py .

# Addresses within the book are checked whenever it is built.
links:
	@$(ENVIRONMENT)
	@.venv/bin/jupyter-book build --builder linkcheck --path-output _build/links .

# The book must have been built.
release:
	@$(ENVIRONMENT)
	@$(PY) tools/release.py _build/html _build/release

# What the page on speed and clusters.md show; `make baseline` then puts it there.  What
# readers of the pages wait for is printed; the book must have been built for it.
bench:
	@$(ENVIRONMENT)
	@$(PY) benchmarks/run.py $(if $(KWANT),--kwant $(KWANT))
	@$(PY) benchmarks/hard_wells.py
	@$(PY) benchmarks/engine.py
	@$(PY) benchmarks/pages.py

# Written beside requirements.txt and moved over it, so that a failure leaves the old one whole.
# The resolver starts from the present pins, so that only what must change does;
# remove requirements.txt first to take the newest of everything.  What JupyterLab brings along has
# to fit what the book is built with.
COMPILE = _build/lock/bin/python -m uv pip compile --quiet --universal --python-version 3.11 \
	--fork-strategy fewest --no-emit-index-url --no-annotate --custom-compile-command 'make lock'
lock:
	@echo '==> Resolving requirements.in and requirements-lab.in with $(UV)'
	@rm -rf _build/lock && mkdir -p _build
	@python=$$($(ENVIRONMENT) --find) && "$$python" -m venv _build/lock
	@_build/lock/bin/python -m pip install --quiet --quiet --disable-pip-version-check '$(UV)'
	@for file in requirements requirements-lab; do \
		if [ -f $$file.txt ]; then cp $$file.txt _build/lock/$$file.txt; fi; done
	@$(COMPILE) requirements.in --output-file _build/lock/requirements.txt
	@$(COMPILE) --constraint _build/lock/requirements.txt requirements-lab.in \
		--output-file _build/lock/requirements-lab.txt
	@if grep -n '://' _build/lock/requirements*.txt; then \
		echo 'error: the lock names a registry, which is the business of each machine' >&2; exit 1; fi
	@mv _build/lock/requirements*.txt .
	@rm -rf _build/lock

clean:
	rm -rf .venv _build _reruns .live .pytest_cache .hypothesis .ruff_cache .mypy_cache .coverage*
	find qwlib tests tools benchmarks book -name __pycache__ -prune -exec rm -rf {} +
	find book -name .ipynb_checkpoints -prune -exec rm -rf {} +
