"""Code blocks of the documentation: collected, checked without running, or run.

A block may have a marker, an HTML comment in the line before it:

``<!-- run: needs=stack -->``  run it against a running stack; blocks of one page in their order
``<!-- run: alone -->``        run it without one
``<!-- run: no, REASON -->``   not run; the reason is for whoever wonders

Without a marker a block is only checked, which not every language can be.
"""
