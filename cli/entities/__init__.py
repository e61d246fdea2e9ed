"""``media-gateway entities``: how well titles of two catalogues are matched, on real lists.

Lives here: reading the lists, hiding what would give the answer away, counting. May not live here:
matching. What is measured is ``domain.catalogue.resolution``, fed by the mappers that serve.
"""
