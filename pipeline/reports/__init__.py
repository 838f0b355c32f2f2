"""Documents of a run: the register, GIS files, the page of a data check; and how things are called and drawn in all of them.

Every door returns text or bytes and touches no disk; whoever calls decides where documents go. A finding is a clue
(疑似线索) and every document says so.
"""
