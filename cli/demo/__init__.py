"""`media-gateway demo`: the whole path on real input, told as one before and after.

Lives here: reading the demo's input, turning it into signed webhooks and progress events, posting
them over HTTP like a partner or a player app would, and printing what the API answers. May not live
here: a shortcut past the API (no Kafka or Postgres client), or a figure that was not measured.
"""
