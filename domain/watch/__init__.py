"""The watch ledger: what one user really watched, whatever order the reports came in.

Read in this order: ``presets`` (rules as data), ``reports`` (one event as integers), ``intervals``
and ``lines`` (what was watched), ``title`` (the join-semilattice of one title), ``epochs``
(rewatch), ``view`` (what readers see), ``record`` and ``ledger`` (bytes of one title, of one
user), ``outcomes`` (interactions). Nothing here reads a clock, does I/O or knows a framework.
"""
