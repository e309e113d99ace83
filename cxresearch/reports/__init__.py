"""Reports: notebooks run by papermill and written as self-contained pages.

`parameters` reads and checks what a notebook may be given, `runner` runs notebooks into a
folder, `page` and `index` write the HTML. Nothing is imported here, since papermill and
nbconvert are slow to import and most commands need neither.
"""
