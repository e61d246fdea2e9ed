"""Reading whole topics for a replay.

Lives here: snapshots of topics in offset order, with their start and end offsets. May not live
here: agents, and any opinion on what the records mean.
"""
