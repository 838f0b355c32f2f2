"""Documents for officers: county maps, the index page, the register, GIS files.

Every door returns text or bytes and touches no disk; whoever calls decides where documents go. A finding is a clue
(疑似线索) and every document says so.
"""
