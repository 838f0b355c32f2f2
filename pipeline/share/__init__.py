"""What leaves the house for other systems: tables in open formats with their dictionary, pictures as a STAC catalogue, a service.

`share.share` writes a folder from the output folder of a run; `serve.serve` offers such a folder over OGC API - Features.
For the public it holds counts by township and nothing else.
"""
