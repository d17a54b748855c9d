# What CI checks, in the order of how soon it tells: make check
WORKERS = -n auto --maxprocesses 8 --dist worksteal
PYTEST = python -m pytest $(WORKERS) $(PYTEST_OPTIONS)
SEED := $(shell date +%s)
RANDOM_TESTS = $(shell grep -rlE "^from (hypothesis|seeds|mutations|rewritings|random_models) " \
	tests --include='test_*.py')

.PHONY: check format lint types test manual nightly

check: lint types test

format:
	ruff check --fix .
	ruff format .

lint:
	ruff format --check .
	ruff check .

types:
	mypy

test:
	$(PYTEST)

# The manual, as docs/manual/_build/html; its cells run, and a warning is an error
manual:
	sphinx-build -q -W --keep-going -b html docs/manual docs/manual/_build/html

# Five times the random examples of CI, and others each time: make nightly, or with SEED=... again
nightly:
	@echo "make nightly SEED=$(SEED)"
	$(PYTEST) --hypothesis-profile=nightly --seed=$(SEED) --hypothesis-seed=$(SEED) $(RANDOM_TESTS) \
		|| { echo "again: make nightly SEED=$(SEED)"; exit 1; }
	EINGRAD_EXHAUSTIVE=1 $(PYTEST) tests/codegen/test_layer_modules.py  # each through torch.compile
	EINGRAD_EXHAUSTIVE=1 $(PYTEST) tests/recurrences/test_latex_labels_that_move.py  # all read back
