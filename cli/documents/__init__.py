"""Documents made from the code, so that they cannot disagree with it.

Lives here: one function a document, from declarations (catalogue, settings, metrics, commands,
routes) to text. May not live here: facts that the code does not declare, or writing of files
(``cli.docs`` does that).
"""
