"""HTTP in every form: one file per resource; `endpoint` runs the order of checks, `errors` answers refusals."""
