"""From a person's own files to a configuration: what roads, columns, images and days they hold is looked up and written down.

``draft(Given(...))`` looks, ``Draft.write()`` writes; nothing that is there already is touched. What was guessed, and what
nobody could tell, stands in the files as comments and in ``Draft.guessed`` and ``Draft.open``.
"""

from .draft import Draft, draft
from .given import Given

__all__ = ["Draft", "Given", "draft"]
