"""Papers in Chinese that an office signs or files: notices, clue sheets, dossiers, rankings, tables of spots.

Each is a Word template filled with what ledger and run know; the template is the client's to change. Every paper is
internal, carries no person's data, and says 疑似 until an officer has confirmed.
"""
