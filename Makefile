# What CI checks, in the order of how soon it tells: make check
WORKERS = -n auto --maxprocesses 8 --dist worksteal
PYTEST = python -m pytest $(WORKERS) $(PYTEST_OPTIONS)
SEED := $(shell date +%s)
RANDOM_TESTS = $(shell grep -rlE "^from (hypothesis|seeds|mutations|rewritings|random_models) " \
	tests --include='test_*.py')

.PHONY: check format lint types test nightly

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

# Five times the random examples of CI, and others each time: make nightly, or with SEED=... again
nightly:
	@echo "make nightly SEED=$(SEED)"
	$(PYTEST) --hypothesis-profile=nightly --seed=$(SEED) --hypothesis-seed=$(SEED) $(RANDOM_TESTS) \
		|| { echo "again: make nightly SEED=$(SEED)"; exit 1; }
