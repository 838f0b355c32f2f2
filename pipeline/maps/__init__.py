"""What officers look at: a map for each county and the overview of a run, each in one file that opens anywhere.

Every door returns text or bytes and touches no disk; whoever calls decides where pages go. Nothing on a page comes from
elsewhere unless its reader switches on a basemap that the configuration names. A finding is a clue (疑似线索), and every page
says so.
"""
