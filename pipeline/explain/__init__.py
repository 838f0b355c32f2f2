"""Why a candidate is a finding, or is none: every number that a decision rested on, in words that can be read aloud.

A finding is a clue (疑似线索), never a verdict.
"""
