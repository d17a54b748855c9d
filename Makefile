# What CI checks, in the order of how soon it tells: make check
PYTEST = python -m pytest $(PYTEST_OPTIONS)

.PHONY: check format lint types test

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
