"""The roster (学生名册): the workbook with the national roster's headings, read, checked and imported.

`headings` names the columns, `workbook` writes them, `reader` reads any xlsx that is no trap, `checks` judges single
rows, `importer` writes a whole file or nothing of it.
"""
