"""Findings beside the run history: which of them cost data, and which are only miscounted.

`python -m tallylint.triage` is the command. It runs on Ibis, so the history is read where it lies; the extra
`tallylint[triage]` installs Ibis with DuckDB. Importing this package alone needs neither.

* `settings`: what is read, and by which names.
* `inputs`: tables, CSV, Parquet and JSON lines become typed rows; malformed ones are counted and named.
* `runs`, `classify`, `ranking`: the expressions that join, deduplicate, classify and add up.
* `findings`, `names`: the linter's report, and which processors its findings are about.
* `numbers`: all results as plain data; everything that is shown or exported comes from there.
* `text`, `markdown`: how the numbers are shown.
"""
