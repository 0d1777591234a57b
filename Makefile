# Each verb is a short call of tools/do.py, which also works without make: python3 tools/do.py book
PYTHON ?= python3
VERBS = setup book test audit refresh chapter edit saved coverage pythons lint bench lock browser clean
.PHONY: help $(VERBS)
help:
	@$(PYTHON) tools/do.py --help
$(VERBS):
	@$(PYTHON) tools/do.py $@ $(CHAPTER) $(ARGS)
