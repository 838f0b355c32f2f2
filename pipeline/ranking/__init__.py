"""Confidence as learnt from what officers found: verdicts in, a small file out, candidates weighed by it.

``examples`` reads verdicts, ``train`` fits and judges, ``model`` is the file, ``apply`` weighs candidates by it.
"""
